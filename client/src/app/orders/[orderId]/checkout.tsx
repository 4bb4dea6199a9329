"use client";

import dynamic from "next/dynamic";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { useTranslations } from "use-intl";
import { Alert } from "@/components/ui/alert";
import { useSecondsLeft } from "@/components/use-seconds-left";
import { CancelOrder } from "@/features/orders/cancel-order";
import { isLive } from "@/features/orders/is-live";
import { OrderCancelled } from "@/features/orders/order-cancelled";
import { OrderPaid } from "@/features/orders/order-paid";
import { OrderSummary } from "@/features/orders/order-summary";
import { useOrder, usePolling } from "@/features/orders/use-order";
import { usePayment } from "@/features/orders/use-payment";
import { useTitlePrefix } from "@/features/orders/use-title-prefix";
import type { PaymentProgress } from "@/features/payments/pay";
import type { Order, PaymentConfig } from "@/lib/api/types";
import type { PaymentState } from "@/lib/payment-state";
import { formatCountdown, payableUntil } from "@/lib/time";

/** Loaded for an order that can be paid. */
const PayForm = dynamic(() =>
  import("@/features/payments/pay-form").then((module) => module.PayForm),
);

/** The page of an order, with live status from reservation to receipt. */
export function Checkout(props: {
  order: Order;
  now: number;
  config: PaymentConfig | null;
  payment: PaymentState;
}) {
  const t = useTranslations("Order");
  const { order, refetch } = useOrder(props.order);
  const payment = usePayment(order, props);
  const [progress, setProgress] = useState<PaymentProgress>("none");
  const until = payableUntil(order, props.config?.marginSeconds);
  const secondsLeft = useSecondsLeft({ until, now: props.now });
  const isOpen = isLive(order);
  const [wasOpen] = useState(isOpen);
  const isPaid = progress === "paid";
  const isTimeUp = isOpen && secondsLeft === 0 && !isPaid;
  useTitlePrefix(isOpen && !isPaid ? formatCountdown(secondsLeft) : null);
  usePolling(isOpen && (progress !== "none" || isTimeUp), refetch);

  if (!isOpen) {
    const FinalView = order.status === "complete" ? OrderPaid : OrderCancelled;
    return (
      <Outcome takesFocus={wasOpen}>
        <FinalView order={order} payment={payment} />
      </Outcome>
    );
  }
  return (
    <div data-bottom-room="" className="mt-4 grid gap-8 lg:grid-cols-[1fr_24rem] lg:gap-14">
      <div className="lg:col-start-2 lg:row-start-1">
        <OrderSummary order={order} seconds={isPaid ? null : secondsLeft} />
      </div>
      <section className="lg:col-start-1 lg:row-start-1">
        <h1 className="mb-6 text-4xl font-bold">{t("payTitle")}</h1>
        {isTimeUp && (
          <Alert tone="warn" title={t("timeUp")} className="mb-6">
            {t("timeUpHint")}
          </Alert>
        )}
        <PayForm
          config={props.config}
          orderId={order.id}
          amount={order.ticket.price}
          payment={props.payment}
          isPaid={isPaid}
          disabled={isTimeUp}
          timeLeft={formatCountdown(secondsLeft)}
          onProgress={(reached) => {
            setProgress(reached);
            if (reached !== "none") refetch();
          }}
        />
        {!isPaid && (
          <div className="mt-6 text-center">
            <CancelOrder orderId={order.id} onChanged={refetch} />
          </div>
        )}
      </section>
    </div>
  );
}

/** The outcome of an order. Takes the focus if the status changed while the page was open. */
function Outcome({ takesFocus, children }: { takesFocus: boolean; children: ReactNode }) {
  const container = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!takesFocus) return;
    container.current?.focus({ preventScroll: true });
    window.scrollTo({ top: 0 });
  }, [takesFocus]);
  return (
    <div
      ref={container}
      tabIndex={-1}
      data-bottom-room={takesFocus ? "" : undefined}
      className="outline-none"
    >
      {children}
    </div>
  );
}
