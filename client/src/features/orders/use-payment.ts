"use client";

import { useEffect, useState } from "react";
import { api } from "@/lib/api/browser";
import { toResult } from "@/lib/api/result";
import type { Order } from "@/lib/api/types";
import { newerState, type PaymentState, paymentStatus, toPaymentState } from "@/lib/payment-state";
import { isLive } from "./is-live";

const MIN_DELAY_MS = 500;
const MAX_DELAY_MS = 30_000;
const BACKOFF = 1.6;

/** The states after which the payment of a cancelled order does not change any more. */
const SETTLED = ["none", "canceled", "refunded", "refund_failed"];

/** Returns whether it is known what became of the money of an order that is over. */
function isSettled(order: Order, payment: PaymentState): boolean {
  const status = paymentStatus(payment);
  return order.status === "complete" ? status === "succeeded" : SETTLED.includes(status);
}

/**
 * Returns the payment of an order that is over, and reads it until it is settled, because Stripe may
 * answer long after the order was cancelled. What was rendered while the order was open is outdated.
 */
export function usePayment(order: Order, rendered: { order: Order; payment: PaymentState }) {
  const { id } = order;
  const [fetched, setFetched] = useState<PaymentState>("unknown");
  const payment = newerState(isLive(rendered.order) ? "unknown" : rendered.payment, fetched);
  const isWaiting = !isLive(order) && !isSettled(order, payment);

  useEffect(() => {
    if (!isWaiting) return;
    let isStopped = false;
    let timer: number;
    function schedule(delay: number) {
      timer = window.setTimeout(() => void read(delay), delay);
    }
    async function read(delay: number) {
      const params = { query: { orderId: id } };
      const state = toPaymentState(await toResult(api.GET("/api/payments", { params })));
      if (isStopped) return;
      setFetched(state);
      schedule(Math.min(delay * BACKOFF, MAX_DELAY_MS));
    }
    schedule(MIN_DELAY_MS);
    return () => {
      isStopped = true;
      window.clearTimeout(timer);
    };
  }, [isWaiting, id]);

  return payment;
}
