import type { Metadata } from "next";
import { Link } from "@/components/link";
import { ServiceUnavailable } from "@/components/service-unavailable";
import { Alert } from "@/components/ui/alert";
import { paths } from "@/config/paths";
import { findShows } from "@/features/shows/find-shows";
import { ShowCards } from "@/features/shows/show-cards";
import { isIndexed, parseFilters, showFilters } from "@/features/tickets/filters";
import { findTickets } from "@/features/tickets/find-tickets";
import { getFacets } from "@/features/tickets/get-facets";
import { RememberSearch } from "@/features/tickets/last-search";
import { PlaceAndDay } from "@/features/tickets/place-and-day";
import {
  apiQuery,
  parseSearch,
  type Search,
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
import { formatDays, localDate } from "@/lib/show-time";

const MAX_CARDS = 6;
const MAX_SHOWS_OF_CITY = 50;

/** Stands for the response to a search that is not sent. */
const INVALID_SEARCH: ApiFailure = { ok: false, status: 400, problems: [], retryAfter: null };

async function find(params: SearchParams) {
  const search = parseSearch(params);
  const { locale } = await getReaderLocale();
  const parsed = parseFilters(search, locale);
  const isValid = parsed.problems.length === 0;
  const result = isValid ? await findTickets(parsed.search) : INVALID_SEARCH;
  return { search, locale, parsed, result };
}

export async function generateMetadata({ searchParams }: PageProps<"/">): Promise<Metadata> {
  const [t, site] = await Promise.all([getTranslations("Home"), getTranslations("Site")]);
  const { search, locale, result } = await find(await searchParams);
  const title = search.cursor ? t("next") : t("results");
  const parts = [
    ...(search.q ? [t("searched", { q: search.q })] : []),
    search.city,
    formatDays(search.from, search.to, locale),
    listTitle(title, result),
    site("name"),
  ];
  return {
    title: { absolute: parts.filter(Boolean).join(" · ") }, // the layout's template is for other pages
    ...(isIndexed(search)
      ? { alternates: { canonical: searchHref(search) } }
      : { robots: { index: false } }),
  };
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
      <header className="pt-8 pb-6 sm:pt-16 sm:pb-10">
        <h1 className="max-w-4xl text-[2.5rem] leading-[1.04] font-bold sm:text-6xl lg:text-7xl">
          {t.rich("title", { br: () => <br /> })}
        </h1>
        <p className="mt-4 max-w-2xl text-lg text-muted sm:mt-5 sm:text-xl">{t("lead")}</p>
      </header>
      <SearchForm
        key={JSON.stringify(search)}
        search={search}
        labels={labels}
        problems={problems}
      />
      <Filters search={search} />
      {result.ok && search.cursor === "" && <Shows search={parsed.search} />}
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

/** The cities, and the days on which there is something there. */
async function Filters({ search }: { search: Search }) {
  const [facets, inCity] = await Promise.all([
    getFacets(),
    search.city ? findShows({ city: search.city, limit: MAX_SHOWS_OF_CITY }) : null,
  ]);
  const days = inCity?.ok
    ? inCity.data.map(({ startsAt, timeZone }) => localDate(startsAt, timeZone))
    : facets.dates.map(({ date }) => date);
  return <PlaceAndDay search={search} cities={facets.cities} days={[...new Set(days)]} />;
}

/** The next shows, or those that match the search. */
async function Shows({ search }: { search: Search }) {
  const t = await getTranslations("Home");
  const filters = showFilters(search);
  const result = await findShows({ ...filters, limit: MAX_CARDS });
  const isFiltered = Object.keys(filters).length > 0;
  return <ShowCards title={isFiltered ? t("matchingShows") : t("soon")} result={result} />;
}
