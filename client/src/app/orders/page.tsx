import type { Metadata } from "next";
import { cache } from "react";
import { Link } from "@/components/link";
import { PageHeader } from "@/components/page-header";
import { Pagination } from "@/components/pagination";
import { ServiceUnavailable } from "@/components/service-unavailable";
import { buttonStyle } from "@/components/ui/button-style";
import { EmptyState } from "@/components/ui/empty-state";
import { paths } from "@/config/paths";
import { OrderList } from "@/features/orders/order-list";
import { getCount, listTitle } from "@/i18n/counts";
import { Messages } from "@/i18n/messages";
import { getReaderLocale, getTranslations } from "@/i18n/server";
import { cursorFrom, pageQuery } from "@/lib/api/page-query";
import { toResult } from "@/lib/api/result";
import { api } from "@/lib/api/server";
import { requireUser } from "@/lib/api/session";
import { formatPlace } from "@/lib/place";
import { formatShowStart } from "@/lib/show-time";
import { formatAgo } from "@/lib/time";

const getOrders = cache(async (cursor: string) =>
  toResult((await api()).GET("/api/orders", { params: { query: pageQuery(cursor) } })),
);

export async function generateMetadata(props: PageProps<"/orders">): Promise<Metadata> {
  const cursor = cursorFrom(await props.searchParams);
  const [t, result] = await Promise.all([getTranslations("Orders"), getOrders(cursor)]);
  return { title: listTitle(t(cursor ? "next" : "title"), result) };
}

export default async function OrdersPage({ searchParams }: PageProps<"/orders">) {
  await requireUser(paths.orders);
  const cursor = cursorFrom(await searchParams);
  const query = pageQuery(cursor);
  const [t, { locale }, result, config] = await Promise.all([
    getTranslations("Orders"),
    getReaderLocale(),
    getOrders(cursor),
    toResult((await api()).GET("/api/payments/config")),
  ]);
  if (!result.ok) {
    return (
      <>
        <PageHeader title={t("title")} />
        <ServiceUnavailable message="ordersUnavailable" />
      </>
    );
  }
  const orders = result.data.map((order) => {
    const when = formatAgo(order.createdAt, result.date, locale);
    const { show } = order.ticket;
    return {
      ...order,
      placed: when ? t("placed", { when }) : t("justPlaced"),
      show: show
        ? `${formatShowStart(show, locale, result.date)} · ${formatPlace(show.venue)}`
        : null,
    };
  });
  return (
    <>
      <PageHeader title={t("title")} lead={t("lead")} />
      {orders.length === 0 ? (
        <EmptyState
          title={t("emptyTitle")}
          action={
            <Link href={paths.home} className={buttonStyle()}>
              {t("browse")}
            </Link>
          }
        >
          {t("emptyText")}
        </EmptyState>
      ) : (
        <Messages of={["Status"]}>
          <p className="mb-5 text-muted">{await getCount("orders", result, cursor)}</p>
          <OrderList
            orders={orders}
            query={query}
            now={result.date}
            marginSeconds={config.ok ? config.data.marginSeconds : null}
          />
        </Messages>
      )}
      <Pagination
        label={t("title")}
        next={result.next ? { href: `?cursor=${result.next}`, label: t("next") } : null}
        first={cursor ? { href: paths.orders, label: t("first") } : null}
      />
    </>
  );
}
