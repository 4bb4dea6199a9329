import type { ReactNode } from "react";
import { useTranslations } from "use-intl";
import { helpLink } from "@/components/help-link";
import { Link } from "@/components/link";
import { DateTime, Price } from "@/components/locale";
import { ProtectionNote } from "@/components/protection/protection-note";
import { ShowFacts } from "@/components/show/show-facts";
import { buttonStyle } from "@/components/ui/button-style";
import { paths } from "@/config/paths";
import type { Order, Payment } from "@/lib/api/types";
import { protectionLevel } from "@/lib/protection";
import type { PaymentState } from "@/lib/payment-state";
import { mayHaveArrived, OrderArrived } from "./order-arrived";
import { OrderMoney } from "./order-money";
import { moneyBack, OrderOutcome } from "./order-outcome";

const PLACEHOLDER = "–";

/** The receipt of a paid order. Rows of a payment that has not loaded yet show a placeholder. */
export function OrderPaid(props: { order: Order; payment: PaymentState }) {
  const { order } = props;
  const payment = typeof props.payment === "string" ? null : props.payment;
  const t = useTranslations("Order");
  const outcome = moneyBack(order);
  return (
    <section className="mx-auto mt-6 max-w-lg">
      {outcome ? <OrderOutcome order={order} outcome={outcome} /> : <PaidNext order={order} />}
      <article aria-label={t("receipt")} className="mt-8 ticket-shadow">
        <div className="ticket-top bg-card p-7 sm:p-9">
          <p className="text-sm text-muted">{t("ticket")}</p>
          <h2
            dir="auto"
            className="mt-1 text-3xl leading-tight font-semibold text-pretty wrap-anywhere"
          >
            {order.ticket.title}
          </h2>
          <ShowFacts show={order.ticket.show} seat={order.ticket.seat} className="mt-5" />
          <ProtectionNote protection={order.ticket.protection} className="mt-5" />
          <dl className="mt-8 grid grid-cols-[auto_1fr] gap-x-6 gap-y-2">
            <Row
              name={t("paidOn")}
              value={payment?.paidAt ? <DateTime at={payment.paidAt} /> : PLACEHOLDER}
            />
            <Row
              name={t("card")}
              value={payment?.card ? <CardNumber card={payment.card} /> : PLACEHOLDER}
            />
            {order.receivedAt && !order.ticket.show && (
              <Row name={t("arrived")} value={<DateTime at={order.receivedAt} />} />
            )}
            <Row
              name={t("orderNumber")}
              value={<span className="text-sm break-all">{order.id}</span>}
            />
          </dl>
        </div>
        <div className="flex items-center justify-between ticket-bottom border-t-2 border-dashed border-paper bg-good-soft p-7 sm:px-9">
          <span className="font-semibold">{t("amount")}</span>
          <span className="font-display text-3xl font-bold tabular-nums">
            <Price amount={payment?.amount ?? order.ticket.price} />
          </span>
        </div>
      </article>
    </section>
  );
}

/** What the buyer can do with the ticket now. */
function PaidNext({ order }: { order: Order }) {
  const t = useTranslations("Order");
  const { ticket } = order;
  const isInVault = protectionLevel(ticket.protection) !== "described";
  return (
    <>
      <h1 className="text-5xl font-bold">{t("paidTitle")}</h1>
      <OrderMoney order={order} />
      <p className="mt-2 text-lg text-muted">
        {isInVault ? t("paidFromVault") : t.rich("paidText", { help: helpLink })}
      </p>
      <div className="mt-5 flex flex-wrap gap-3 print:hidden">
        {isInVault && (
          <Link href={paths.pass(ticket.id)} className={buttonStyle("primary", "min-h-13 text-lg")}>
            {t("getTicket")}
          </Link>
        )}
        {ticket.show && (
          <a
            href={paths.showCalendar(ticket.show.id)}
            className={buttonStyle("secondary", "min-h-13")}
          >
            {t("addToCalendar")}
          </a>
        )}
        <Link href={paths.resell(order.id)} className={buttonStyle("quiet", "min-h-13")}>
          {t("listAgain")}
        </Link>
      </div>
      {mayHaveArrived(order) && <OrderArrived orderId={order.id} />}
    </>
  );
}

function Row({ name, value }: { name: string; value: ReactNode }) {
  return (
    <>
      <dt className="text-muted">{name}</dt>
      <dd className="text-right font-medium">{value}</dd>
    </>
  );
}

function CardNumber({ card }: { card: NonNullable<Payment["card"]> }) {
  return (
    <>
      <span className="capitalize">{card.brand}</span> •••• {card.last4}
    </>
  );
}
