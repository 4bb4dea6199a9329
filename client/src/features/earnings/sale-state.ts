import type { Sale } from "@/lib/api/types";

/** Why the money of a sale is held. Other reasons are codes of Stripe. */
const REASONS = [
  "no_account",
  "account_not_ready",
  "account_refused",
  "paused",
  "second_factor_removal",
  "disputed",
  "charged_back",
  "refund_pending",
] as const;

export type SaleState =
  | (typeof REASONS)[number]
  | "due"
  | "afterShow"
  | "overdue"
  | "later"
  | "sending"
  | "sent"
  | "recalled"
  | "short"
  | "void"
  | "problem";

/** Returns what happens to the money of a sale next, or has happened to it. */
export function saleState({ payout, releaseAt, showEndsAt }: Sale, now: number): SaleState {
  const { state, reason } = payout;
  if (state === "sending" || state === "sent" || state === "short" || state === "void") {
    return state;
  }
  if (state === "recalling" || state === "recalled") return "recalled";
  const isDue = releaseAt != null && Date.parse(releaseAt) <= now;
  const known = REASONS.find((one) => one === reason);
  // Until its date, a sale waits for that and not for an account.
  const isWaiting = known?.includes("account") ?? false;
  if (known && (isDue || !isWaiting)) return known;
  if (releaseAt == null) return "later";
  if (!isDue) return showEndsAt ? "afterShow" : "due";
  return reason ? "problem" : "overdue";
}
