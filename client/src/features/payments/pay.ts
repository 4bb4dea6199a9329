"use client";

import type { Stripe } from "@stripe/stripe-js";
import { type Answer, answerOf, type Problem } from "@/lib/api/result";
import { api } from "@/lib/api/browser";
import { Intent } from "@/lib/api/idempotency";
import { onceHeardOf } from "@/lib/api/retry-not-found";
import { PurchaseTrace } from "@/lib/api/purchase-trace";
import type { Payment } from "@/lib/api/types";

const TRIES = 6;
const POLL_MS = 1_000;
const POLLS = 20;

export type Outcome =
  | { kind: "paid" }
  | { kind: "declined"; problem: Problem }
  | { kind: "refused"; problem: Problem }
  | { kind: "unknown" };

export type Stage = "paying" | "authenticating" | "checking";

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Pays with what Stripe.js made of the card. Sent again with the same token it charges nothing twice,
 * so an answer that did not come, or "not known yet", is asked for again until somebody knows.
 */
export async function pay(options: {
  stripe: Stripe;
  orderId: string;
  token: string;
  stage: (stage: Stage) => void;
}): Promise<Outcome> {
  const { stripe, orderId, token, stage } = options;
  const body = { orderId, token };
  const key = new Intent().key(body);
  const trace = PurchaseTrace.of(orderId);
  for (let tried = 0; tried < TRIES; tried += 1) {
    const answer = await answerOf(
      onceHeardOf(() =>
        api.POST("/api/payments", { body, headers: { "Idempotency-Key": key, ...trace.headers } }),
      ),
    );
    if (answer.ok) {
      const { data } = answer;
      if (!("clientSecret" in data)) return { kind: "paid" };
      stage("authenticating");
      const { error } = await stripe.handleNextAction({ clientSecret: data.clientSecret });
      if (error?.type === "validation_error")
        return { kind: "refused", problem: told(error.message) };
      stage("checking");
      return settled(orderId);
    }
    const [problem] = answer.problems;
    if (answer.status === 402) return { kind: "declined", problem: problem ?? told() };
    if (answer.status !== 0 && answer.status !== 409 && answer.status < 500) {
      return { kind: "refused", problem: problem ?? told() };
    }
    stage("checking");
    await wait((answer.retryAfter ?? 1 + tried) * 1_000);
  }
  return { kind: "unknown" };
}

/** Asks where the money stands until it stands still. */
async function settled(orderId: string): Promise<Outcome> {
  for (let poll = 0; poll < POLLS; poll += 1) {
    const answer = await paymentOf(orderId);
    if (answer.ok) {
      const { status, lastError } = answer.data;
      if (status === "succeeded") return { kind: "paid" };
      if (status === "requires_payment_method" || status === "canceled") {
        return { kind: "declined", problem: lastError ?? told() };
      }
    }
    await wait(POLL_MS);
  }
  return { kind: "unknown" };
}

function paymentOf(orderId: string): Promise<Answer<Payment>> {
  return answerOf(api.GET("/api/payments", { params: { query: { orderId } } }));
}

const told = (message = ""): Problem => ({ message });
