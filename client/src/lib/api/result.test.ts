import { expect, test } from "vitest";

import { type ApiFailure, isOutcomeUnknown } from "./result";

const failure = (status: number): ApiFailure => ({
  ok: false,
  status,
  problems: [],
  retryAfter: null,
});

test.each([0, 409, 429, 500, 503])("status %i leaves the outcome unknown", (status) => {
  expect(isOutcomeUnknown(failure(status))).toBe(true);
});

test.each([400, 401, 402, 404, 412])("status %i is a known outcome", (status) => {
  expect(isOutcomeUnknown(failure(status))).toBe(false);
});

test("a success is a known outcome", () => {
  const success = { ok: true, status: 201, data: null, next: null, date: 0 } as const;
  expect(isOutcomeUnknown(success)).toBe(false);
});
