import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { retryWhileNotFound } from "./retry-not-found";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

async function asked(statuses: number[]) {
  let calls = 0;
  const answered = retryWhileNotFound(() => {
    const status = statuses[calls] ?? statuses.at(-1);
    calls += 1;
    return Promise.resolve({ response: new Response(null, { status: status ?? 200 }) });
  });
  await vi.runAllTimersAsync();
  return { status: (await answered).response.status, calls };
}

test("what was made a moment ago is asked for until it was heard of", async () => {
  expect(await asked([404, 404, 201])).toEqual({ status: 201, calls: 3 });
});

test("what nobody ever hears of is not there", async () => {
  expect(await asked([404])).toEqual({ status: 404, calls: 5 });
});

test.each([201, 400, 409, 503])("any other answer (%i) is given at once", async (status) => {
  expect(await asked([status])).toEqual({ status, calls: 1 });
});
