"use client";

const RETRY_DELAYS_MS = [200, 400, 800, 1_600];

/**
 * Retries a request for three seconds while the response is 404. A service learns about a new ticket
 * or order by event, so it may not know it yet when the user acts.
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
