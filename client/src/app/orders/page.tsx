import type { Metadata } from "next";
import { Down } from "@/components/service-unavailable";
import { Link } from "@/components/link";
import { PageHead } from "@/components/page-header";
import { PagesNav } from "@/components/pagination";
import { Blank } from "@/components/ui/empty-state";
import { buttonStyle } from "@/components/ui/button-style";
import { paths } from "@/config/paths";
import { OrderList } from "@/features/orders/order-list";
import { reader, words } from "@/i18n/server";
import { Words } from "@/i18n/messages";
import { answerOf } from "@/lib/api/result";
import { cursorIn, pageQuery } from "@/lib/api/page-query";
import { api } from "@/lib/api/server";
import { requireUser } from "@/lib/api/session";
import { formatAgo } from "@/lib/time";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await words("Orders"))("title") };
}

export default async function OrdersPage({ searchParams }: PageProps<"/orders">) {
  await requireUser(paths.orders);
  const cursor = cursorIn(await searchParams);
  const query = pageQuery(cursor);
  const [t, { region }, answer] = await Promise.all([
    words("Orders"),
    reader(),
    answerOf((await api()).GET("/api/orders", { params: { query } })),
  ]);
  if (!answer.ok) {
    return (
      <>
        <PageHead title={t("title")} />
        <Down what="downOrders" />
      </>
    );
  }
  const orders = answer.data.map((order) => {
    const when = formatAgo(order.createdAt, answer.date, region);
    return { ...order, placed: when ? t("placed", { when }) : t("justPlaced") };
  });
  return (
    <>
      <PageHead title={t("title")} lead={t("lead")} />
      {orders.length === 0 ? (
        <Blank
          title={t("emptyTitle")}
          action={
            <Link href={paths.home} className={buttonStyle()}>
              {t("browse")}
            </Link>
          }
        >
          {t("emptyText")}
        </Blank>
      ) : (
        <Words of={["Status"]}>
          <OrderList orders={orders} query={query} now={answer.date} />
        </Words>
      )}
      <PagesNav
        label={t("title")}
        next={answer.next ? { href: `?cursor=${answer.next}`, label: t("next") } : null}
        first={cursor ? { href: paths.orders, label: t("first") } : null}
      />
    </>
  );
}
