import type { Metadata } from "next";
import { notFound } from "next/navigation";
import { Link } from "@/components/link";
import { ServiceUnavailable } from "@/components/service-unavailable";
import { Poster } from "@/components/show/poster";
import { ShowFacts } from "@/components/show/show-facts";
import { StructuredData } from "@/components/structured-data";
import { Alert } from "@/components/ui/alert";
import { Badge } from "@/components/ui/badge";
import { buttonStyle } from "@/components/ui/button-style";
import { paths } from "@/config/paths";
import { getShow } from "@/features/shows/get-show";
import { findTickets } from "@/features/tickets/find-tickets";
import { BackToTickets } from "@/features/tickets/last-search";
import { apiQuery, searchOfShow } from "@/features/tickets/search";
import { TicketResults } from "@/features/tickets/ticket-results";
import { getCount } from "@/i18n/counts";
import { failureTitle } from "@/i18n/failure-title";
import { Messages } from "@/i18n/messages";
import { getReaderLocale, getTranslations } from "@/i18n/server";
import { cursorFrom } from "@/lib/api/page-query";
import { isUnavailable } from "@/lib/api/result";
import { getCurrentUser } from "@/lib/api/session";
import type { Show } from "@/lib/api/types";
import { formatPlace } from "@/lib/place";
import { requestOrigin } from "@/lib/request-origin";
import { formatShowStart } from "@/lib/show-time";
import { showEvent } from "@/lib/structured-data";

export async function generateMetadata(props: PageProps<"/shows/[showId]">): Promise<Metadata> {
  const [{ showId }, query] = await Promise.all([props.params, props.searchParams]);
  const [show, { locale }] = await Promise.all([getShow(showId), getReaderLocale()]);
  if (!show.ok) return { title: await failureTitle(show) };
  const { name, venue } = show.data;
  const when = formatShowStart(show.data, locale, show.date);
  const description = `${when} · ${formatPlace(venue)}`;
  const isOver = isPast(show.data, show.date) || Boolean(show.data.cancelledAt);
  return {
    title: `${name} · ${when}`,
    description,
    alternates: { canonical: paths.show(showId) },
    openGraph: { type: "website", title: name, description, url: paths.show(showId) },
    ...((isOver || cursorFrom(query)) && { robots: { index: false } }),
  };
}

export default async function ShowPage(props: PageProps<"/shows/[showId]">) {
  const [{ showId }, query] = await Promise.all([props.params, props.searchParams]);
  const cursor = cursorFrom(query);
  const search = searchOfShow(showId, cursor);
  const [t, show, tickets, user] = await Promise.all([
    getTranslations("Show"),
    getShow(showId),
    findTickets(search),
    getCurrentUser(),
  ]);
  if (!show.ok && !isUnavailable(show)) notFound();
  if (!show.ok) {
    return (
      <>
        <BackToTickets>{t("back")}</BackToTickets>
        <ServiceUnavailable message="ticketsUnavailable" heading="h1" />
      </>
    );
  }
  const isOver = isPast(show.data, show.date) || Boolean(show.data.cancelledAt);
  return (
    <>
      <BackToTickets>{t("back")}</BackToTickets>
      <StructuredData
        data={showEvent(show.data, {
          url: `${await requestOrigin()}${paths.show(showId)}`,
          prices: tickets.ok ? tickets.data.map(({ price }) => price) : [],
        })}
      />
      <ShowHeader
        show={show.data}
        isPast={isPast(show.data, show.date)}
        canEdit={user?.id === show.data.userId && !isOver}
      />
      <section aria-labelledby="results" className="pt-10">
        <div className="mb-5 flex flex-wrap items-center justify-between gap-x-6 gap-y-3">
          <h2 id="results" className="text-2xl font-semibold">
            {t("tickets")}
            {tickets.ok && tickets.data.length > 0 && (
              <span className="ml-4 font-sans text-base font-normal tracking-normal text-muted">
                {await getCount("tickets", tickets, cursor)}
              </span>
            )}
          </h2>
          {!isOver && (
            <Link href={paths.newTicketFor(showId)} className={buttonStyle("secondary")}>
              {t("sellForThis")}
            </Link>
          )}
        </div>
        {tickets.ok ? (
          <TicketResults search={search} query={apiQuery(search)} page={tickets} />
        ) : (
          <ServiceUnavailable message="ticketsUnavailable" />
        )}
      </section>
    </>
  );
}

async function ShowHeader(props: { show: Show; isPast: boolean; canEdit: boolean }) {
  const { show, isPast, canEdit } = props;
  const [t, edit, category] = await Promise.all([
    getTranslations("Show"),
    getTranslations("NewShow"),
    getTranslations("Category"),
  ]);
  return (
    <header className="mt-4 grid overflow-hidden rounded-2xl border border-line bg-card sm:grid-cols-[minmax(0,2fr)_minmax(0,3fr)]">
      <div className="h-40 sm:h-full sm:min-h-72">
        <Poster id={show.id} category={show.category} width="100%" height="100%" />
      </div>
      <div className="p-6 sm:p-10">
        <Badge tone="neutral">{category(show.category)}</Badge>
        <h1
          dir="auto"
          className="mt-3 text-3xl leading-tight font-bold text-pretty wrap-anywhere sm:text-5xl"
        >
          {show.name}
        </h1>
        <Messages of={["Show"]}>
          <ShowFacts show={show} className="mt-6" />
        </Messages>
        {show.cancelledAt && (
          <Alert tone="bad" className="mt-6">
            {t("cancelled")}
          </Alert>
        )}
        {!show.cancelledAt && isPast && (
          <Alert tone="warn" className="mt-6">
            {t("started")}
          </Alert>
        )}
        {canEdit && (
          <Link
            href={paths.editShow(show.id)}
            className={buttonStyle("secondary", "mt-6 self-start")}
          >
            {edit("editTitle")}
          </Link>
        )}
      </div>
    </header>
  );
}

const isPast = (show: Show, now: number) => Date.parse(show.startsAt) <= now;
