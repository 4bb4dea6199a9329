import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { retryWhileNotFound } from "./retry-not-found";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

async function request(statuses: number[]) {
  let calls = 0;
  const result = retryWhileNotFound(() => {
    const status = statuses[calls] ?? statuses.at(-1);
    calls += 1;
    return Promise.resolve({ response: new Response(null, { status: status ?? 200 }) });
  });
  await vi.runAllTimersAsync();
  return { status: (await result).response.status, calls };
}

test("a 404 is retried until another status is returned", async () => {
  expect(await request([404, 404, 201])).toEqual({ status: 201, calls: 3 });
});

test("a lasting 404 is returned after five requests", async () => {
  expect(await request([404])).toEqual({ status: 404, calls: 5 });
});

test.each([201, 400, 409, 503])("status %i is returned without a retry", async (status) => {
  expect(await request([status])).toEqual({ status, calls: 1 });
});
