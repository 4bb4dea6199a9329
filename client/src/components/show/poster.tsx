import type { ReactNode } from "react";
import type { Category } from "@/lib/api/types";
import { seededRandom } from "@/lib/random";

const SIZE = 120;

/** A background and three colours that stand out from it and from each other. */
const PALETTES = [
  ["#1f2a44", "#ff8a63", "#f2c66a", "#8ab4ff"],
  ["#6b1d2c", "#f6b28b", "#f7e3c4", "#e0567a"],
  ["#0f4c43", "#9fd8b5", "#f2c66a", "#ff8a63"],
  ["#43265f", "#e3b3ff", "#ff9f80", "#f7e3c4"],
  ["#b93a1a", "#ffd9a8", "#43190c", "#fff0e2"],
  ["#e8ae3a", "#7a2612", "#fff4da", "#234b57"],
  ["#20303a", "#7fd1d8", "#f7f4ee", "#ff8a63"],
  ["#f0e2cf", "#b93a1a", "#1f2a44", "#4d8a6a"],
] as const;

type Random = () => number;
type Colours = readonly [string, string, string];

const range = (count: number) => Array.from({ length: count }, (_, index) => index);

const MOTIFS: Record<Category, (random: Random, colours: Colours) => ReactNode> = {
  concert: rings,
  festival: rays,
  theatre: curtain,
  comedy: dots,
  sport: lanes,
  family: confetti,
  other: tiles,
};

/**
 * The generated artwork of a show: always the same for the same show. It is decoration. Its parts are elements
 * of SVG only, which the library for preview images can draw too.
 */
export function Poster(props: { id: string; category: Category; width: string; height: string }) {
  const random = seededRandom(props.id);
  const palette = PALETTES[Math.floor(random() * PALETTES.length)] ?? PALETTES[0];
  const [background, ...colours] = palette;
  return (
    <svg
      aria-hidden
      viewBox={`0 0 ${SIZE} ${SIZE}`}
      preserveAspectRatio="xMidYMid slice"
      width={props.width}
      height={props.height}
    >
      <rect width={SIZE} height={SIZE} fill={background} />
      {MOTIFS[props.category](random, colours)}
    </svg>
  );
}

/** Sound that spreads from a corner. */
function rings(random: Random, [one, two, three]: Colours) {
  const [x, y] = [random() < 0.5 ? 20 : 100, 40 + random() * 60];
  const gap = 11 + random() * 5;
  return [
    ...range(10).map((ring) => (
      <circle
        key={ring}
        cx={x}
        cy={y}
        r={(ring + 1) * gap}
        fill="none"
        stroke={[one, two, three][ring % 3]}
        strokeWidth={2 + random() * 5}
      />
    )),
    <circle key="source" cx={x} cy={y} r="8" fill={two} />,
  ];
}

/** A sun over the field. */
function rays(random: Random, [one, two, three]: Colours) {
  const x = 30 + random() * 60;
  const count = 14 + Math.floor(random() * 8);
  return [
    ...range(count).map((ray) => (
      <polygon
        key={ray}
        points={`${x},84 ${x - 6},-60 ${x + 6},-60`}
        fill={ray % 2 === 0 ? one : two}
        opacity="0.75"
        transform={`rotate(${(360 / count) * ray} ${x} 84)`}
      />
    )),
    <circle key="sun" cx={x} cy="84" r={20 + random() * 8} fill={two} />,
    <rect key="field" y="84" width={SIZE} height="36" fill={three} />,
  ];
}

/** Two halves of a curtain and the light between them. */
function curtain(random: Random, [one, two, three]: Colours) {
  const opening = 10 + random() * 18;
  const half = (SIZE / 2 - opening) / 5;
  const light = `60,0 ${60 - opening * 2},120 ${60 + opening * 2},120`;
  return [
    <polygon key="light" points={light} fill={two} />,
    ...range(5).flatMap((fold) =>
      [fold * half, SIZE - (fold + 1) * half].map((x) => (
        <rect
          key={x}
          x={x}
          width={half + 0.5}
          height={SIZE - 6 - random() * 10}
          rx="3"
          fill={fold % 2 === 0 ? one : three}
        />
      )),
    ),
  ];
}

/** Dots that grow and shrink. */
function dots(random: Random, [one, two, three]: Colours) {
  const [shift, colours] = [random() * 6, [one, one, two, three]];
  return range(36).map((dot) => {
    const [column, row] = [dot % 6, Math.floor(dot / 6)];
    const radius = 3 + 3.4 * (1 + Math.sin(column + shift) * Math.cos(row - shift));
    const fill = colours[Math.floor(random() * colours.length)];
    return <circle key={dot} cx={10 + column * 20} cy={10 + row * 20} r={radius} fill={fill} />;
  });
}

/** The lanes of a track. */
function lanes(random: Random, [one, two, three]: Colours) {
  const angle = (random() < 0.5 ? -1 : 1) * (25 + random() * 25);
  return (
    <g transform={`rotate(${angle} 60 60)`}>
      {range(7).map((lane) => (
        <rect
          key={lane}
          x="-60"
          y={-30 + lane * 27}
          width="240"
          height={6 + random() * 14}
          fill={[one, two, three][lane % 3]}
        />
      ))}
    </g>
  );
}

function confetti(random: Random, colours: Colours) {
  return range(34).map((piece) => {
    const [x, y, size] = [random() * SIZE, random() * SIZE, 5 + random() * 9];
    const shape = { fill: colours[piece % 3], transform: `rotate(${random() * 360} ${x} ${y})` };
    if (piece % 3 === 0) return <circle key={piece} cx={x} cy={y} r={size / 2} {...shape} />;
    const height = piece % 3 === 1 ? size : size / 3;
    return <rect key={piece} x={x} y={y} width={size} height={height} {...shape} />;
  });
}

/** Quarter circles, each turned at random. */
function tiles(random: Random, colours: Colours) {
  return range(16).map((tile) => {
    const [x, y] = [(tile % 4) * 30, Math.floor(tile / 4) * 30];
    return (
      <path
        key={tile}
        d={`M${x} ${y}h30a30 30 0 0 1-30 30Z`}
        fill={colours[Math.floor(random() * 3)]}
        transform={`rotate(${Math.floor(random() * 4) * 90} ${x + 15} ${y + 15})`}
      />
    );
  });
}
