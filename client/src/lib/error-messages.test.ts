import { expect, test } from "vitest";
import type { ApiFailure } from "./api/result";
import { errorMessages } from "./error-messages";

const words = (key: string, values?: { minutes: number }) => `${key}${values?.minutes ?? ""}`;
const refusal = (over: Partial<ApiFailure>): ApiFailure => ({
  ok: false,
  status: 400,
  problems: [],
  retryAfter: null,
  ...over,
});

test("what the API says of a field goes to that field, in the reader's words if we have them", () => {
  const problems = [
    { message: "Email in use", field: "email" },
    { message: "A rule of tomorrow", field: "password" },
    { message: "Invalid credentials" },
  ];
  expect(errorMessages(refusal({ problems }), words)).toEqual({
    fields: { email: "emailTaken", password: "A rule of tomorrow" },
    form: ["credentials"],
  });
});

test.each([
  [{ status: 0 }, "offline"],
  [{ status: 503 }, "unavailable"],
  [{ status: 500, problems: [{ message: "secret detail" }] }, "unavailable"],
  [{ status: 401 }, "signInAgain"],
  [{ status: 404 }, "gone"],
  [{ status: 429, retryAfter: 61 }, "throttled2"],
  [{ status: 400 }, "unexpected"],
])("%j is told as %s", (over, told) => {
  expect(errorMessages(refusal(over), words).form).toEqual([told]);
});
