"use client";

import { useEffect, useState } from "react";
import type { PaymentState } from "@/lib/payment-state";
import { getPayment, type Outcome, outcomeOf } from "./pay";

const POLL_INTERVAL_MS = 2_000;

/** The outcomes of a payment that an earlier page has started. */
function initialOutcome(payment: PaymentState): Outcome | null {
  if (typeof payment === "string") return null;
  if (payment.status === "succeeded") return { kind: "paid" };
  return payment.status === "processing" ? { kind: "unknown" } : null;
}

/**
 * Holds the outcome of the last attempt to pay. While it is unknown, payments is asked, so that the
 * buyer can try again as soon as it is known that nothing was charged.
 */
export function useOutcome(orderId: string, rendered: PaymentState) {
  const [outcome, setOutcome] = useState(() => initialOutcome(rendered));
  const isUnknown = outcome?.kind === "unknown";

  useEffect(() => {
    if (!isUnknown) return;
    let isStopped = false;
    const timer = window.setInterval(() => {
      void getPayment(orderId).then((payment) => {
        const found = outcomeOf(payment);
        if (!isStopped && found.kind !== "unknown") setOutcome(found);
      });
    }, POLL_INTERVAL_MS);
    return () => {
      isStopped = true;
      window.clearInterval(timer);
    };
  }, [isUnknown, orderId]);

  return [outcome, setOutcome] as const;
}
