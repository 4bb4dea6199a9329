import { Link } from "@/components/link";
import { ServiceUnavailable } from "@/components/service-unavailable";
import { Alert } from "@/components/ui/alert";
import { paths } from "@/config/paths";
import { findTickets } from "@/features/tickets/find-tickets";
import { parseSearch, type SearchParams } from "@/features/tickets/search";
import { SearchForm } from "@/features/tickets/search-form";
import { getSearchLabels } from "@/features/tickets/search-labels";
import { TicketResults } from "@/features/tickets/ticket-results";
import { getTranslations } from "@/i18n/server";
import { isUnavailable } from "@/lib/api/result";
import { errorMessages } from "@/lib/error-messages";

export default async function HomePage({ searchParams }: PageProps<"/">) {
  const params: SearchParams = await searchParams;
  const search = parseSearch(params);
  const [t, translateProblem, labels, result] = await Promise.all([
    getTranslations("Home"),
    getTranslations("Problem"),
    getSearchLabels(),
    findTickets(search),
  ]);
  const problems = result.ok ? {} : errorMessages(result, translateProblem).fields;
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
        {result.ok && <TicketResults search={search} page={result} />}
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
