const SQUARE = new Set(["qr", "micro_qr", "aztec", "data_matrix"]);

/** A code at full size. Its ground is white in every theme, because scanners need dark on light and room around it. */
export function CodeSheet(props: {
  source: string;
  label: string;
  symbology?: string | undefined;
  showsLabel: boolean;
}) {
  // The room of the picture until it has arrived; then its own shape counts.
  const aspectRatio = SQUARE.has(props.symbology ?? "") ? "auto 1" : "auto 3";
  return (
    <figure className="mt-4">
      <div
        data-code=""
        className="mx-auto w-[min(100%,70dvh)] break-inside-avoid rounded-xl bg-[white] p-[2%] forced-color-adjust-none"
      >
        {/* eslint-disable-next-line @next/next/no-img-element -- the optimizer must not see it */}
        <img
          src={props.source}
          alt={props.label}
          className="block w-full"
          style={{ aspectRatio }}
        />
      </div>
      {props.showsLabel && (
        <figcaption className="mt-1 text-center text-sm text-muted">{props.label}</figcaption>
      )}
    </figure>
  );
}
