import { Down } from "@/components/service-unavailable";
import { Link } from "@/components/link";
import { Notice } from "@/components/ui/alert";
import { paths } from "@/config/paths";
import { SearchForm } from "@/features/tickets/search-form";
import { apiQuery, searchFrom, type SearchParams } from "@/features/tickets/search";
import { searchLabels } from "@/features/tickets/search-labels";
import { TicketResults } from "@/features/tickets/ticket-results";
import { words } from "@/i18n/server";
import { answerOf, unavailable } from "@/lib/api/result";
import { api } from "@/lib/api/server";
import { refusalWords } from "@/lib/error-messages";

export default async function HomePage({ searchParams }: PageProps<"/">) {
  const params: SearchParams = await searchParams;
  const search = searchFrom(params);
  const [t, problem, labels, answer] = await Promise.all([
    words("Home"),
    words("Problem"),
    searchLabels(),
    answerOf((await api()).GET("/api/tickets", { params: { query: apiQuery(search) } })),
  ]);
  const problems = answer.ok ? {} : refusalWords(answer, problem).fields;
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
        {answer.ok && <TicketResults search={search} page={answer} />}
        {unavailable(answer) && <Down what="downTickets" />}
        {!answer.ok && !unavailable(answer) && (
          <Notice tone="bad">
            {t.rich("wrongSearch", {
              clear: (text) => (
                <Link href={paths.home} className="font-semibold underline underline-offset-4">
                  {text}
                </Link>
              ),
            })}
          </Notice>
        )}
      </section>
    </>
  );
}
