"use client";

const RETRY_DELAYS_MS = [200, 400, 800, 1_600];

/**
 * Calls, and calls again for a moment while there is no such thing: a service hears of what another
 * one has just made a little later than the reader can be there.
 */
export async function retryWhileNotFound<T extends { response: Response }>(
  call: () => Promise<T>,
): Promise<T> {
  for (const delay of RETRY_DELAYS_MS) {
    const result = await call();
    if (result.response.status !== 404) return result;
    await new Promise((resolve) => setTimeout(resolve, delay));
  }
  return call();
}
