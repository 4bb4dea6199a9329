"use client";

import type { Stripe, StripeError } from "@stripe/stripe-js";
import { api } from "@/lib/api/browser";
import { IdempotencyKey } from "@/lib/api/idempotency";
import { PurchaseTrace } from "@/lib/api/purchase-trace";
import { type Problem, toResult } from "@/lib/api/result";
import { retryWhileNotFound } from "@/lib/api/retry-not-found";
import { type PaymentState, paymentStatus, toPaymentState } from "@/lib/payment-state";

const MAX_ATTEMPTS = 4;
const POLL_INTERVAL_MS = 1_000;
const MAX_POLLS = 20;
const MAX_POLLS_AFTER_ERROR = 3;

export type Outcome =
  | { kind: "paid" }
  | { kind: "declined"; problem: Problem; retryAfter?: number | null }
  | { kind: "refused"; problem: Problem }
  /** Nothing was charged, and the buyer can try again. */
  | { kind: "unpaid" }
  /** Nothing was charged, and only an operator can change the cause. */
  | { kind: "unavailable" }
  | { kind: "unknown" };

export type PaymentStep = "paying" | "authenticating" | "checking";

/** How far the payment of an open order is: from "unknown" on, its order may change at any time. */
export type PaymentProgress = "none" | "unknown" | "paid";

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Pays an order with a confirmation token. Repeating the request with the same token cannot charge
 * twice, so it is retried until the outcome is known or the attempts are used up.
 */
export async function pay(options: {
  stripe: Stripe;
  orderId: string;
  token: string;
  onStep: (step: PaymentStep) => void;
}): Promise<Outcome> {
  const { stripe, orderId, token, onStep } = options;
  const body = { orderId, token };
  const key = new IdempotencyKey().for(body);
  const trace = PurchaseTrace.forOrder(orderId);
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const result = await toResult(
      retryWhileNotFound(() =>
        api.POST("/api/payments", { body, headers: { "Idempotency-Key": key, ...trace.headers } }),
      ),
    );
    if (result.ok) {
      const { data } = result;
      if (!("clientSecret" in data)) return { kind: "paid" };
      onStep("authenticating");
      const { error } = await stripe.handleNextAction({ clientSecret: data.clientSecret });
      onStep("checking");
      return pollUntilFinal(orderId, error);
    }
    const [problem] = result.problems;
    if (problem?.code === "payments_unavailable") return { kind: "unavailable" };
    if (result.status === 402) return { kind: "declined", problem: problem ?? toProblem() };
    if (result.status === 429 && problem?.code) {
      return { kind: "declined", problem, retryAfter: result.retryAfter };
    }
    if (![0, 409, 429].includes(result.status) && result.status < 500) {
      return { kind: "refused", problem: problem ?? toProblem() };
    }
    onStep("checking");
    await sleep((result.retryAfter ?? 1 + attempt) * 1_000);
  }
  return outcomeOf(await getPayment(orderId));
}

/** Polls the payment after the bank's window until it has succeeded or failed. */
async function pollUntilFinal(orderId: string, error?: StripeError): Promise<Outcome> {
  for (let poll = 0; poll < MAX_POLLS; poll += 1) {
    const payment = await getPayment(orderId);
    switch (paymentStatus(payment)) {
      case "succeeded":
        return { kind: "paid" };
      case "requires_payment_method":
      case "canceled":
        return { kind: "declined", problem: lastErrorOf(payment) ?? toProblem() };
      case "requires_action": // the window could not be opened, or was left
        if (error && poll >= MAX_POLLS_AFTER_ERROR) return { kind: "unpaid" };
    }
    await sleep(POLL_INTERVAL_MS);
  }
  return { kind: "unknown" };
}

/** Returns the outcome of an attempt whose request was not answered, from what payments knows. */
export function outcomeOf(payment: PaymentState): Outcome {
  switch (paymentStatus(payment)) {
    case "succeeded":
      return { kind: "paid" };
    case "requires_payment_method": {
      const problem = lastErrorOf(payment);
      // An earlier attempt may have caused the error, so only the end of all attempts is reported.
      return problem?.retryable === false ? { kind: "declined", problem } : { kind: "unpaid" };
    }
    case "none":
    case "requires_action":
      return { kind: "unpaid" };
    default:
      return { kind: "unknown" };
  }
}

export async function getPayment(orderId: string): Promise<PaymentState> {
  return toPaymentState(
    await toResult(api.GET("/api/payments", { params: { query: { orderId } } })),
  );
}

const lastErrorOf = (payment: PaymentState): Problem | null =>
  typeof payment === "string" ? null : payment.lastError;

const toProblem = (message = ""): Problem => ({ message });
