import type { Metadata } from "next";
import { Down } from "@/components/service-unavailable";
import { Link } from "@/components/link";
import { PageHead } from "@/components/page-header";
import { PagesNav } from "@/components/pagination";
import { Blank } from "@/components/ui/empty-state";
import { buttonStyle } from "@/components/ui/button-style";
import { paths } from "@/config/paths";
import { listed } from "@/features/tickets/with-listed-label";
import { MyTickets } from "@/features/tickets/my-tickets";
import { words } from "@/i18n/server";
import { Words } from "@/i18n/messages";
import { answerOf } from "@/lib/api/result";
import { cursorIn, pageQuery } from "@/lib/api/page-query";
import { api } from "@/lib/api/server";
import { requireUser } from "@/lib/api/session";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await words("Mine"))("title") };
}

export default async function MyTicketsPage({ searchParams }: PageProps<"/tickets/mine">) {
  await requireUser(paths.myTickets);
  const cursor = cursorIn(await searchParams);
  const query = pageQuery(cursor);
  const [t, answer] = await Promise.all([
    words("Mine"),
    answerOf((await api()).GET("/api/tickets/mine", { params: { query } })),
  ]);
  const sell = (
    <Link href={paths.newTicket} className={buttonStyle()}>
      {t("sell")}
    </Link>
  );
  return (
    <>
      <PageHead title={t("title")} lead={t("lead")} action={sell} />
      {!answer.ok && <Down what="downTickets" />}
      {answer.ok && answer.data.length === 0 && (
        <Blank title={t("emptyTitle")} action={sell}>
          {t("emptyText")}
        </Blank>
      )}
      {answer.ok && (
        <>
          <Words of={["Status"]}>
            <MyTickets tickets={await listed(answer.data, answer.date)} query={query} />
          </Words>
          <PagesNav
            label={t("title")}
            next={answer.next ? { href: `?cursor=${answer.next}`, label: t("next") } : null}
            first={cursor ? { href: paths.myTickets, label: t("first") } : null}
          />
        </>
      )}
    </>
  );
}
