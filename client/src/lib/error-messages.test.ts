import { expect, test } from "vitest";
import type { ApiFailure } from "./api/result";
import { errorMessages } from "./error-messages";

const translate = (key: string, values: Record<string, string | number> = {}) =>
  [key, ...Object.values(values)].join("");
const failure = (overrides: Partial<ApiFailure>): ApiFailure => ({
  ok: false,
  status: 400,
  problems: [],
  retryAfter: null,
  ...overrides,
});

test("field errors are translated if known and assigned to their fields", () => {
  const problems = [
    { message: "Email in use", field: "email" },
    { message: "An unknown rule", field: "password" },
    { message: "Invalid credentials" },
  ];
  expect(errorMessages(failure({ problems }), translate)).toEqual({
    fields: { email: "emailTaken", password: "An unknown rule" },
    form: ["credentials"],
  });
});

test.each([
  ["There is a show of this name and place on that day at 20:00", "showExists20:00"],
  ["exists twice in Europe/Berlin: add the offset, a or b", "timeTwice"],
  ["The price may be at most 1,100.00, which is 110 % of the face value", "priceCap1,100.00110"],
  [
    "The face value is required, because the price may be at most 110 % of it",
    "faceValueRequired110",
  ],
])("the values of %j are translated", (message, expected) => {
  const problems = [{ message, field: "price" }];
  expect(errorMessages(failure({ problems }), translate).fields.price).toBe(expected);
});

test.each([
  [{ status: 0 }, "offline"],
  [{ status: 503 }, "unavailable"],
  [{ status: 408 }, "unavailable"],
  [{ status: 500, problems: [{ message: "secret detail" }] }, "unavailable"],
  [{ status: 401 }, "signInAgain"],
  [{ status: 404 }, "gone"],
  [{ status: 429, retryAfter: 61 }, "throttled2"],
  [
    { status: 429, retryAfter: 300, problems: [{ message: "You have too many unpaid orders" }] },
    "tooManyOrders5",
  ],
  [{ status: 400 }, "unexpected"],
])("%j is shown as %s", (overrides, message) => {
  expect(errorMessages(failure(overrides), translate).form).toEqual([message]);
});
