"use client";

import type { Stripe } from "@stripe/stripe-js";
import { api } from "@/lib/api/browser";
import { IdempotencyKey } from "@/lib/api/idempotency";
import { PurchaseTrace } from "@/lib/api/purchase-trace";
import { type ApiResult, type Problem, toResult } from "@/lib/api/result";
import { retryWhileNotFound } from "@/lib/api/retry-not-found";
import type { Payment } from "@/lib/api/types";

const MAX_ATTEMPTS = 6;
const POLL_INTERVAL_MS = 1_000;
const MAX_POLLS = 20;

export type Outcome =
  | { kind: "paid" }
  | { kind: "declined"; problem: Problem; retryAfter?: number | null }
  | { kind: "refused"; problem: Problem }
  | { kind: "unknown" };

export type PaymentStep = "paying" | "authenticating" | "checking";

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
      if (error?.type === "validation_error")
        return { kind: "refused", problem: toProblem(error.message) };
      onStep("checking");
      return pollUntilFinal(orderId);
    }
    const [problem] = result.problems;
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
  return { kind: "unknown" };
}

/** Polls the payment until it has succeeded or failed. */
async function pollUntilFinal(orderId: string): Promise<Outcome> {
  for (let poll = 0; poll < MAX_POLLS; poll += 1) {
    const result = await getPayment(orderId);
    if (result.ok) {
      const { status, lastError } = result.data;
      if (status === "succeeded") return { kind: "paid" };
      if (status === "requires_payment_method" || status === "canceled") {
        return { kind: "declined", problem: lastError ?? toProblem() };
      }
    }
    await sleep(POLL_INTERVAL_MS);
  }
  return { kind: "unknown" };
}

function getPayment(orderId: string): Promise<ApiResult<Payment>> {
  return toResult(api.GET("/api/payments", { params: { query: { orderId } } }));
}

const toProblem = (message = ""): Problem => ({ message });
