import type { Metadata } from "next";
import { notFound } from "next/navigation";
import { cache } from "react";
import { BackLink } from "@/components/back-link";
import { Down } from "@/components/service-unavailable";
import { paths } from "@/config/paths";
import { words } from "@/i18n/server";
import { Words } from "@/i18n/messages";
import { answerOf, unavailable } from "@/lib/api/result";
import { api } from "@/lib/api/server";
import { requireUser } from "@/lib/api/session";
import { Checkout } from "./checkout";

const orderAnswer = cache(async (id: string) =>
  answerOf((await api()).GET("/api/orders/{order_id}", { params: { path: { order_id: id } } })),
);

export async function generateMetadata(props: PageProps<"/orders/[orderId]">): Promise<Metadata> {
  const answer = await orderAnswer((await props.params).orderId);
  return answer.ok ? { title: answer.data.ticket.title } : {};
}

export default async function OrderPage({ params }: PageProps<"/orders/[orderId]">) {
  const { orderId } = await params;
  await requireUser(paths.order(orderId));
  const client = await api();
  const [t, order, config, payment] = await Promise.all([
    words("Order"),
    orderAnswer(orderId),
    answerOf(client.GET("/api/payments/config")),
    answerOf(client.GET("/api/payments", { params: { query: { orderId } } })),
  ]);
  if (!order.ok && !unavailable(order)) notFound();
  return (
    <>
      <BackLink href={paths.orders}>{t("back")}</BackLink>
      {order.ok ? (
        <Words of={["Order", "Payment", "Decline", "Problem", "Trouble"]}>
          <Checkout
            order={order.data}
            now={order.date}
            config={config.ok ? config.data : null}
            payment={payment.ok ? payment.data : null}
          />
        </Words>
      ) : (
        <Down what="downOrders" heading="h1" />
      )}
    </>
  );
}
