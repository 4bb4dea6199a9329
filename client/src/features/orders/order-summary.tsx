import { useTranslations } from "use-intl";
import { Price } from "@/components/locale";
import { ProtectionNote } from "@/components/protection/protection-note";
import { ShowFacts } from "@/components/show/show-facts";
import type { Order } from "@/lib/api/types";
import { Countdown } from "./countdown";

/** The ticket, its show and seat, the total and the time left to pay, which is null once it is paid. */
export function OrderSummary({ order, seconds }: { order: Order; seconds: number | null }) {
  const t = useTranslations("Order");
  return (
    <section className="ticket-shadow">
      <div className="ticket-top bg-card p-6 sm:p-8">
        <h2 dir="auto" className="text-2xl leading-snug font-semibold text-pretty wrap-anywhere">
          {order.ticket.title}
        </h2>
        <ShowFacts show={order.ticket.show} seat={order.ticket.seat} className="mt-4" />
        <ProtectionNote protection={order.ticket.protection} className="mt-4" />
        <p className="mt-4 flex items-baseline justify-between gap-4">
          <span className="text-muted">{t("total")}</span>
          <span className="font-display text-2xl font-bold tabular-nums">
            <Price amount={order.ticket.price} />
          </span>
        </p>
      </div>
      <div className="ticket-bottom border-t-2 border-dashed border-paper bg-well p-6 sm:px-8">
        {seconds !== null && <Countdown seconds={seconds} />}
        <p className="mt-1 text-sm text-muted">{t("held")}</p>
      </div>
    </section>
  );
}
