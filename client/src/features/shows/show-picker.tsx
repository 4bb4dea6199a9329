import { Link } from "@/components/link";
import { buttonStyle } from "@/components/ui/button-style";
import { inputStyle } from "@/components/ui/input-style";
import { paths, withShow } from "@/config/paths";
import { getTranslations } from "@/i18n/server";
import type { Show } from "@/lib/api/types";
import { findShows } from "./find-shows";
import { ShowCard } from "./show-card";

const MAX_FOUND = 8;

/** Finds the show of a ticket, so that it is not entered twice. A plain GET form and links. */
export async function ShowPicker(props: {
  /** The page on which this is: the links lead back to it, with the show. */
  page: string;
  /** The ticket, if it is listed already. */
  ticketId?: string;
  chosen: { data: Show; date: number } | null;
  find: string;
}) {
  const { chosen, find } = props;
  const t = await getTranslations("ShowPicker");
  return (
    <section aria-labelledby="show" className="mb-10 border-b border-line pb-8">
      <h2 id="show" className="mb-2 font-semibold">
        {t("title")}
      </h2>
      {chosen ? (
        <>
          <ul>
            <ShowCard
              show={chosen.data}
              href={paths.show(chosen.data.id)}
              heading="h3"
              now={chosen.date}
            />
          </ul>
          <p className="mt-2">
            <Link href={props.page} className={buttonStyle("quiet")}>
              {t("change")}
            </Link>
          </p>
        </>
      ) : (
        <>
          <form role="search" action={props.page} className="grid grid-cols-[1fr_auto] gap-3">
            <input
              type="search"
              name="find"
              dir="auto"
              maxLength={200}
              defaultValue={find}
              aria-label={t("find")}
              aria-describedby="show-hint"
              placeholder={t("placeholder")}
              className={inputStyle}
            />
            <button className={buttonStyle("secondary", "min-h-12")}>{t("search")}</button>
          </form>
          <p id="show-hint" className="mt-1.5 text-sm text-muted">
            {t("hint")}
          </p>
          {find && <FoundShows find={find} page={props.page} ticketId={props.ticketId} />}
        </>
      )}
    </section>
  );
}

async function FoundShows(props: { find: string; page: string; ticketId?: string | undefined }) {
  const { find, page } = props;
  const [t, result] = await Promise.all([
    getTranslations("ShowPicker"),
    findShows({ q: find, limit: MAX_FOUND }),
  ]);
  const hasFound = result.ok && result.data.length > 0;
  return (
    <div className="mt-4" role="status">
      {hasFound && (
        <ul className="mb-4 grid gap-3">
          {result.data.map((show) => (
            <ShowCard
              key={show.id}
              show={show}
              href={withShow(page, show.id)}
              heading="h3"
              now={result.date}
            />
          ))}
        </ul>
      )}
      <p className="flex flex-wrap items-center gap-x-3">
        <span>{hasFound ? t("notAmong") : t("noneFound")}</span>
        <Link href={paths.newShowNamed(find, props.ticketId)} className={buttonStyle("quiet")}>
          {t("add")}
        </Link>
      </p>
    </div>
  );
}
