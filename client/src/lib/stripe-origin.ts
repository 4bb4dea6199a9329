import { apiUrl } from "@/config/env";

const KEPT_MS = 5 * 60_000;
const KEPT_AFTER_FAILURE_MS = 5_000;
const PATIENCE_MS = 2_000;

let known: { origin: string | null; until: number } | undefined;
let asking: Promise<string | null> | undefined;

/** Where Stripe.js comes from when it is not Stripe's own: the local stand-in's origin, or nothing. */
export async function stripeOrigin(): Promise<string | null> {
  if (known && known.until > Date.now()) return known.origin;
  asking ??= ask().finally(() => (asking = undefined));
  return asking;
}

async function ask(): Promise<string | null> {
  try {
    const response = await fetch(`${apiUrl()}/api/payments/config`, {
      cache: "no-store",
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    if (!response.ok) throw new Error(`payments answered ${response.status}`);
    const { stripeJsUrl } = (await response.json()) as { stripeJsUrl: string | null };
    known = {
      origin: stripeJsUrl ? new URL(stripeJsUrl).origin : null,
      until: Date.now() + KEPT_MS,
    };
  } catch {
    known = { origin: known?.origin ?? null, until: Date.now() + KEPT_AFTER_FAILURE_MS };
  }
  return known.origin;
}
