import type { Metadata } from "next";
import { Link } from "@/components/link";
import { ServiceUnavailable } from "@/components/service-unavailable";
import { Alert } from "@/components/ui/alert";
import { paths } from "@/config/paths";
import { findTickets } from "@/features/tickets/find-tickets";
import { RememberSearch } from "@/features/tickets/last-search";
import {
  apiQuery,
  parsePriceRange,
  parseSearch,
  searchHref,
  type SearchParams,
} from "@/features/tickets/search";
import { SearchForm } from "@/features/tickets/search-form";
import { getSearchLabels } from "@/features/tickets/search-labels";
import { TicketResults } from "@/features/tickets/ticket-results";
import { getCount, listTitle } from "@/i18n/counts";
import { getReaderLocale, getTranslations } from "@/i18n/server";
import { type ApiFailure, isUnavailable } from "@/lib/api/result";
import { errorMessages } from "@/lib/error-messages";
import { priceProblem } from "@/lib/price-input";

/** Stands for the response to a search that is not sent. */
const INVALID_SEARCH: ApiFailure = { ok: false, status: 400, problems: [], retryAfter: null };

async function find(params: SearchParams) {
  const search = parseSearch(params);
  const { locale } = await getReaderLocale();
  const parsed = parsePriceRange(search, locale);
  const isValid = parsed.problems.length === 0;
  const result = isValid ? await findTickets(parsed.search) : INVALID_SEARCH;
  return { search, locale, parsed, result };
}

export async function generateMetadata({ searchParams }: PageProps<"/">): Promise<Metadata> {
  const [t, site] = await Promise.all([getTranslations("Home"), getTranslations("Site")]);
  const { search, result } = await find(await searchParams);
  const title = search.cursor ? t("next") : t("results");
  const counted = listTitle(title, result);
  const parts = [...(search.q ? [t("searched", { q: search.q })] : []), counted, site("name")];
  return { title: { absolute: parts.join(" · ") } }; // the layout's template is for the pages below it
}

export default async function HomePage({ searchParams }: PageProps<"/">) {
  const [t, translateProblem, labels, { search, locale, parsed, result }] = await Promise.all([
    getTranslations("Home"),
    getTranslations("Problem"),
    getSearchLabels(),
    find(await searchParams),
  ]);
  const problems = {
    ...(result.ok ? {} : errorMessages(result, translateProblem).fields),
    ...Object.fromEntries(
      parsed.problems.map(([name, problem]) => [
        name,
        priceProblem(problem, translateProblem, locale),
      ]),
    ),
  };
  return (
    <>
      <header className="pt-10 pb-8 sm:pt-16 sm:pb-10">
        <h1 className="max-w-4xl text-[2.5rem] leading-[1.04] font-bold sm:text-6xl lg:text-7xl">
          {t.rich("title", { br: () => <br /> })}
        </h1>
        <p className="mt-5 max-w-2xl text-lg text-muted sm:text-xl">{t("lead")}</p>
      </header>
      <SearchForm
        key={JSON.stringify(search)}
        search={search}
        labels={labels}
        problems={problems}
      />
      <section aria-labelledby="results" className="pt-10">
        <div className="mb-5 flex flex-wrap items-baseline gap-x-4">
          <h2 id="results" className="text-2xl font-semibold">
            {t("results")}
          </h2>
          <p role="status" className="text-muted">
            {result.ok && result.data.length > 0
              ? await getCount("tickets", result, search.cursor)
              : ""}
          </p>
        </div>
        <RememberSearch href={searchHref(search)} />
        {result.ok && (
          <TicketResults search={search} query={apiQuery(parsed.search)} page={result} />
        )}
        {isUnavailable(result) && <ServiceUnavailable message="ticketsUnavailable" />}
        {!result.ok && !isUnavailable(result) && (
          <Alert tone="bad">
            {t.rich("wrongSearch", {
              clear: (text) => (
                <Link href={paths.home} className="font-semibold underline underline-offset-4">
                  {text}
                </Link>
              ),
            })}
          </Alert>
        )}
      </section>
    </>
  );
}
