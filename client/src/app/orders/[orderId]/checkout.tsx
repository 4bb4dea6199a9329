"use client";

import { useRouter } from "next/navigation";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { useTranslations } from "use-intl";
import { Alert } from "@/components/ui/alert";
import { CancelOrder } from "@/features/orders/cancel-order";
import { isLive } from "@/features/orders/is-live";
import { OrderCancelled } from "@/features/orders/order-cancelled";
import { OrderPaid } from "@/features/orders/order-paid";
import { OrderSummary } from "@/features/orders/order-summary";
import { useOrder, usePolling } from "@/features/orders/use-order";
import { useSecondsLeft } from "@/features/orders/use-seconds-left";
import { PayForm } from "@/features/payments/pay-form";
import type { Order, Payment, PaymentConfig } from "@/lib/api/types";

/** The page of an order, with live status from reservation to receipt. */
export function Checkout(props: {
  order: Order;
  now: number;
  config: PaymentConfig | null;
  payment: Payment | null;
}) {
  const t = useTranslations("Order");
  const router = useRouter();
  const { order, offset, refetch } = useOrder(props.order);
  const [isSent, setIsSent] = useState(false);
  const secondsLeft = useSecondsLeft({ expiresAt: order.expiresAt, now: props.now, offset });
  const isOpen = isLive(order);
  const [wasOpen] = useState(isOpen);
  const isTimeUp = isOpen && secondsLeft === 0;
  usePolling(isOpen && (isSent || isTimeUp), refetch);

  if (!isOpen) {
    const FinalView = order.status === "complete" ? OrderPaid : OrderCancelled;
    return (
      <Outcome takesFocus={wasOpen}>
        <FinalView order={order} payment={props.payment} />
      </Outcome>
    );
  }
  return (
    <div className="mt-4 grid gap-8 lg:grid-cols-[1fr_24rem] lg:gap-14">
      <div className="lg:col-start-2 lg:row-start-1">
        <OrderSummary order={order} seconds={secondsLeft} />
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
          disabled={isTimeUp}
          onPaid={() => {
            setIsSent(true);
            refetch();
          }}
          onRetry={() => router.refresh()}
        />
        <div className="mt-6 text-center">
          <CancelOrder orderId={order.id} onChanged={refetch} />
        </div>
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
    <div ref={container} tabIndex={-1} className="outline-none">
      {children}
    </div>
  );
}
