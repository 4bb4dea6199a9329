import { Link } from "@/components/link";
import { ServiceUnavailable } from "@/components/service-unavailable";
import { Alert } from "@/components/ui/alert";
import { paths } from "@/config/paths";
import { findTickets } from "@/features/tickets/find-tickets";
import {
  apiQuery,
  parsePriceRange,
  parseSearch,
  type SearchParams,
} from "@/features/tickets/search";
import { SearchForm } from "@/features/tickets/search-form";
import { getSearchLabels } from "@/features/tickets/search-labels";
import { TicketResults } from "@/features/tickets/ticket-results";
import { getReaderLocale, getTranslations } from "@/i18n/server";
import { type ApiFailure, isUnavailable } from "@/lib/api/result";
import { errorMessages } from "@/lib/error-messages";
import { priceProblem } from "@/lib/price-input";

/** Stands for the response to a search that is not sent. */
const INVALID_SEARCH: ApiFailure = { ok: false, status: 400, problems: [], retryAfter: null };

export default async function HomePage({ searchParams }: PageProps<"/">) {
  const params: SearchParams = await searchParams;
  const search = parseSearch(params);
  const { locale } = await getReaderLocale();
  const parsed = parsePriceRange(search, locale);
  const [t, translateProblem, labels, result] = await Promise.all([
    getTranslations("Home"),
    getTranslations("Problem"),
    getSearchLabels(),
    parsed.problems.length === 0 ? findTickets(parsed.search) : INVALID_SEARCH,
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
        <h2 id="results" className="mb-5 text-2xl font-semibold">
          {t("results")}
        </h2>
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
