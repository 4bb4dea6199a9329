import type { Metadata, Viewport } from "next";
import { notFound } from "next/navigation";
import { BackLink } from "@/components/back-link";
import { ServiceUnavailable } from "@/components/service-unavailable";
import { Alert } from "@/components/ui/alert";
import { paths } from "@/config/paths";
import { failureTitle } from "@/i18n/failure-title";
import { getFormProblems } from "@/i18n/form-problems";
import { Messages } from "@/i18n/messages";
import { getTranslations } from "@/i18n/server";
import { getOrder } from "@/lib/api/get-order";
import { isUnavailable, toResult } from "@/lib/api/result";
import { api } from "@/lib/api/server";
import { requireUser } from "@/lib/api/session";
import { toPaymentState } from "@/lib/payment-state";
import { Checkout } from "./checkout";

/** With the keyboard open, the bar with the time and the button stays above it. */
export const viewport: Viewport = { interactiveWidget: "resizes-content" };

export async function generateMetadata(props: PageProps<"/orders/[orderId]">): Promise<Metadata> {
  const result = await getOrder((await props.params).orderId);
  return { title: result.ok ? result.data.ticket.title : await failureTitle(result) };
}

export default async function OrderPage(props: PageProps<"/orders/[orderId]">) {
  const [{ orderId }, params] = await Promise.all([props.params, props.searchParams]);
  await requireUser(paths.order(orderId));
  const client = await api();
  const [t, order, config, payment] = await Promise.all([
    getTranslations("Order"),
    getOrder(orderId),
    toResult(client.GET("/api/payments/config")),
    toResult(client.GET("/api/payments", { params: { query: { orderId } } })),
  ]);
  if (!order.ok && !isUnavailable(order)) notFound();
  return (
    <>
      <BackLink href={paths.orders}>{t("back")}</BackLink>
      {(await getFormProblems(params)).map((problem) => (
        <Alert key={problem} tone="bad">
          {problem}
        </Alert>
      ))}
      {order.ok ? (
        <Messages
          of={["Order", "Show", "Protection", "Payment", "Decline", "Legal", "Problem", "Error"]}
        >
          <Checkout
            order={order.data}
            now={order.date}
            config={config.ok ? config.data : null}
            payment={toPaymentState(payment)}
          />
        </Messages>
      ) : (
        <ServiceUnavailable message="ordersUnavailable" heading="h1" />
      )}
    </>
  );
}
