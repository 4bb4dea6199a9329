"use client";

import { useRouter } from "next/navigation";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { useTranslations } from "use-intl";
import { Notice } from "@/components/ui/alert";
import { CancelOrder } from "@/features/orders/cancel-order";
import { isLive } from "@/features/orders/is-live";
import { OrderOver } from "@/features/orders/order-cancelled";
import { OrderPaid } from "@/features/orders/order-paid";
import { OrderSummary } from "@/features/orders/order-summary";
import { useLookingAgain, useOrder } from "@/features/orders/use-order";
import { useSecondsLeft } from "@/features/orders/use-seconds-left";
import { PayForm } from "@/features/payments/pay-form";
import type { Order, Payment, PaymentConfig } from "@/lib/api/types";

/** An order from its reservation to its end; it follows by itself what becomes of it. */
export function Checkout(props: {
  order: Order;
  now: number;
  config: PaymentConfig | null;
  payment: Payment | null;
}) {
  const t = useTranslations("Order");
  const router = useRouter();
  const { order, offset, look } = useOrder(props.order);
  const [sent, setSent] = useState(false);
  const seconds = useSecondsLeft({ expiresAt: order.expiresAt, now: props.now, offset });
  const live = isLive(order);
  const [wasLive] = useState(live);
  const timeUp = live && seconds === 0;
  useLookingAgain(live && (sent || timeUp), look);

  if (!live) {
    const Over = order.status === "complete" ? OrderPaid : OrderOver;
    return (
      <Outcome isNews={wasLive}>
        <Over order={order} payment={props.payment} />
      </Outcome>
    );
  }
  return (
    <div className="mt-4 grid gap-8 lg:grid-cols-[1fr_24rem] lg:gap-14">
      <div className="lg:col-start-2 lg:row-start-1">
        <OrderSummary order={order} seconds={seconds} />
      </div>
      <section className="lg:col-start-1 lg:row-start-1">
        <h1 className="mb-6 text-4xl font-bold">{t("payTitle")}</h1>
        {timeUp && (
          <Notice tone="warn" title={t("timeUp")} className="mb-6">
            {t("timeUpHint")}
          </Notice>
        )}
        <PayForm
          config={props.config}
          orderId={order.id}
          amount={order.ticket.price}
          disabled={timeUp}
          onPaid={() => {
            setSent(true);
            look();
          }}
          onRetry={() => router.refresh()}
        />
        <div className="mt-6 text-center">
          <CancelOrder orderId={order.id} onChanged={look} />
        </div>
      </section>
    </div>
  );
}

/** What became of an order; whoever waited for it is led there, by eye and by ear. */
function Outcome({ isNews, children }: { isNews: boolean; children: ReactNode }) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!isNews) return;
    place.current?.focus({ preventScroll: true });
    window.scrollTo({ top: 0 });
  }, [isNews]);
  return (
    <div ref={place} tabIndex={-1} className="outline-none">
      {children}
    </div>
  );
}
