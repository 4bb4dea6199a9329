import { apiUrl } from "@/config/env";
import { timeLimit } from "./api/time-limit";

const CACHE_MS = 5 * 60_000;
const FAILURE_CACHE_MS = 5_000;
const REQUEST_TIMEOUT_MS = 800;

let cached: { origin: string | null; expiresAt: number } | undefined;
let pending: Promise<string | null> | undefined;

/**
 * Returns the origin of the local Stripe's script, or null if Stripe's own is used. An old value is returned
 * while a new one is being fetched, so that no page waits for payments.
 */
export async function getStripeOrigin(): Promise<string | null> {
  if (cached && cached.expiresAt > Date.now()) return cached.origin;
  pending ??= fetchOrigin().finally(() => (pending = undefined));
  return cached?.origin ?? pending;
}

async function fetchOrigin(): Promise<string | null> {
  try {
    const response = await fetch(`${apiUrl()}/api/payments/config`, {
      cache: "no-store",
      signal: timeLimit(REQUEST_TIMEOUT_MS),
    });
    if (!response.ok) throw new Error(`payments returned ${response.status}`);
    const { stripeJsUrl } = (await response.json()) as { stripeJsUrl: string | null };
    cached = {
      origin: stripeJsUrl ? new URL(stripeJsUrl).origin : null,
      expiresAt: Date.now() + CACHE_MS,
    };
  } catch {
    cached = { origin: cached?.origin ?? null, expiresAt: Date.now() + FAILURE_CACHE_MS };
  }
  return cached.origin;
}
