import type { Metadata } from "next";
import { cache } from "react";
import { Link } from "@/components/link";
import { PageHeader } from "@/components/page-header";
import { Pagination } from "@/components/pagination";
import { ServiceUnavailable } from "@/components/service-unavailable";
import { buttonStyle } from "@/components/ui/button-style";
import { EmptyState } from "@/components/ui/empty-state";
import { paths } from "@/config/paths";
import { MyTickets } from "@/features/tickets/my-tickets";
import { withLabels } from "@/features/tickets/with-labels";
import { getCount, listTitle } from "@/i18n/counts";
import { Messages } from "@/i18n/messages";
import { getTranslations } from "@/i18n/server";
import { cursorFrom, pageQuery } from "@/lib/api/page-query";
import { toResult } from "@/lib/api/result";
import { api } from "@/lib/api/server";
import { requireUser } from "@/lib/api/session";

const getMyTickets = cache(async (cursor: string) =>
  toResult((await api()).GET("/api/tickets/mine", { params: { query: pageQuery(cursor) } })),
);

export async function generateMetadata(props: PageProps<"/tickets/mine">): Promise<Metadata> {
  const cursor = cursorFrom(await props.searchParams);
  const [t, result] = await Promise.all([getTranslations("MyTickets"), getMyTickets(cursor)]);
  return { title: listTitle(t(cursor ? "next" : "title"), result) };
}

export default async function MyTicketsPage({ searchParams }: PageProps<"/tickets/mine">) {
  await requireUser(paths.myTickets);
  const cursor = cursorFrom(await searchParams);
  const [t, result] = await Promise.all([getTranslations("MyTickets"), getMyTickets(cursor)]);
  const sellLink = (
    <Link href={paths.newTicket} className={buttonStyle()}>
      {t("sell")}
    </Link>
  );
  return (
    <>
      <PageHeader title={t("title")} lead={t("lead")} action={sellLink} />
      <p className="mb-6">
        <Link href={paths.earnings} className="font-semibold underline underline-offset-4">
          {t("earnings")}
        </Link>
      </p>
      {!result.ok && <ServiceUnavailable message="ticketsUnavailable" />}
      {result.ok && result.data.length === 0 && (
        <EmptyState title={t("emptyTitle")} action={sellLink}>
          {t("emptyText")}
        </EmptyState>
      )}
      {result.ok && (
        <>
          {result.data.length > 0 && (
            <p className="mb-5 text-muted">{await getCount("tickets", result, cursor)}</p>
          )}
          <Messages of={["Status", "Protection"]}>
            <MyTickets
              tickets={await withLabels(result.data, result.date)}
              query={pageQuery(cursor)}
            />
          </Messages>
          <Pagination
            label={t("title")}
            next={result.next ? { href: `?cursor=${result.next}`, label: t("next") } : null}
            first={cursor ? { href: paths.myTickets, label: t("first") } : null}
          />
        </>
      )}
    </>
  );
}
