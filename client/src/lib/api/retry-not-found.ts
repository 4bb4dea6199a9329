"use client";

const WAITS_MS = [200, 400, 800, 1_600];

/**
 * Calls, and calls again for a moment while there is no such thing: a service hears of what another
 * one has just made a little later than the reader can be there.
 */
export async function onceHeardOf<T extends { response: Response }>(
  call: () => Promise<T>,
): Promise<T> {
  for (const wait of WAITS_MS) {
    const answered = await call();
    if (answered.response.status !== 404) return answered;
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
  return call();
}
