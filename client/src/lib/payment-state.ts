import type { ApiResult } from "./api/result";
import type { Payment } from "./api/types";

/** The payment of an order: "none" if none was started, "unknown" if payments has not responded. */
export type PaymentState = Payment | "none" | "unknown";

const NOT_FOUND = 404;

export function toPaymentState(result: ApiResult<Payment>): PaymentState {
  if (result.ok) return result.data;
  return result.status === NOT_FOUND ? "none" : "unknown";
}

/** Returns the status at Stripe, or what is known in its place. */
export function paymentStatus(payment: PaymentState): Payment["status"] | "none" | "unknown" {
  return typeof payment === "string" ? payment : payment.status;
}

/** Returns the state that was read later, of which "unknown" is none. */
export function newerState(rendered: PaymentState, fetched: PaymentState): PaymentState {
  if (fetched === "unknown") return rendered;
  if (typeof rendered === "string") return fetched;
  if (typeof fetched === "string") return rendered;
  return fetched.version > rendered.version ? fetched : rendered;
}
