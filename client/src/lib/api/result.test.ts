import { expect, test } from "vitest";

import { type ApiFailure, isOutcomeUnknown } from "./result";

const refused = (status: number): ApiFailure => ({
  ok: false,
  status,
  problems: [],
  retryAfter: null,
});

test.each([0, 409, 429, 500, 503])("after %i nobody knows yet what came of it", (status) => {
  expect(isOutcomeUnknown(refused(status))).toBe(true);
});

test.each([400, 401, 402, 404, 412])("%i is an answer", (status) => {
  expect(isOutcomeUnknown(refused(status))).toBe(false);
});

test("what was done is done", () => {
  const done = { ok: true, status: 201, data: null, next: null, date: 0 } as const;
  expect(isOutcomeUnknown(done)).toBe(false);
});
