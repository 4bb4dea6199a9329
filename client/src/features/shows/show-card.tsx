import { Link } from "@/components/link";
import { Poster } from "@/components/show/poster";
import { getReaderLocale } from "@/i18n/server";
import type { Show } from "@/lib/api/types";
import { formatPlace } from "@/lib/place";
import { formatShowStart } from "@/lib/show-time";

/** A show in a list: its artwork, name, day, local time and place. The whole card is a link. */
export async function ShowCard(props: {
  show: Show;
  href: string;
  heading: "h2" | "h3";
  now: number;
}) {
  const { show, heading: Heading } = props;
  const { locale } = await getReaderLocale();
  return (
    <li className="relative flex overflow-hidden rounded-2xl border border-line bg-card transition-colors hover:bg-well has-[a:focus-visible]:outline-3 has-[a:focus-visible]:outline-offset-2 has-[a:focus-visible]:outline-focus">
      <div className="w-24 shrink-0 self-stretch sm:w-28">
        <Poster id={show.id} category={show.category} width="100%" height="100%" />
      </div>
      <div className="min-w-0 p-4">
        <p className="text-sm font-semibold text-accent">
          <time dateTime={show.startsAt}>{formatShowStart(show, locale, props.now)}</time>
        </p>
        <Heading
          dir="auto"
          className="mt-0.5 line-clamp-2 leading-snug font-semibold wrap-anywhere sm:text-lg"
        >
          <Link
            href={props.href}
            className="outline-none after:absolute after:inset-0 after:content-['']"
          >
            {show.name}
          </Link>
        </Heading>
        <p dir="auto" className="mt-0.5 line-clamp-2 text-sm wrap-anywhere text-muted">
          {formatPlace(show.venue)}
        </p>
      </div>
    </li>
  );
}
