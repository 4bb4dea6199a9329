import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import * as validation from "./validation";

interface Schema {
  minLength?: number;
  maxLength?: number;
  minimum?: number;
  maximum?: number;
  anyOf?: Schema[];
  properties?: Record<string, Schema>;
}

function schema(service: string, name: string, property: string): Schema {
  const file = new URL(`../../../docs/openapi/${service}.json`, import.meta.url);
  const document = JSON.parse(readFileSync(file, "utf8")) as {
    components: { schemas: Record<string, Schema> };
  };
  return document.components.schemas[name]?.properties?.[property] ?? {};
}

describe("the limits match the API's", () => {
  test("for a title", () => {
    expect(schema("tickets", "TicketIn", "title")).toMatchObject({
      minLength: 1,
      maxLength: validation.TITLE_MAX,
    });
  });

  test("for a price", () => {
    const [number] = schema("tickets", "TicketIn", "price").anyOf ?? [];
    expect(number).toMatchObject({ minimum: validation.PRICE_MIN, maximum: validation.PRICE_MAX });
  });

  test("for an account", () => {
    expect(schema("auth", "SignUpIn", "email").maxLength).toBe(validation.EMAIL_MAX);
    expect(schema("auth", "SignUpIn", "password")).toMatchObject({
      minLength: validation.PASSWORD_MIN,
      maxLength: validation.PASSWORD_MAX,
    });
  });
});

test.each([
  ["0.49", "priceLow"],
  ["1000000", "priceHigh"],
  ["1,000,000", "priceHigh"],
  [undefined, "priceRequired"],
])("a listing's price typed as %j is rejected: %s", (typed, problem) => {
  expect(validation.parseListingPrice(typed, "en-US")).toEqual({ problem });
});

test.each(["0.50", "999,999.99"])("the limit %s is a listing's price", (typed) => {
  expect(validation.parseListingPrice(typed, "en-US").problem).toBeUndefined();
});

test.each([
  ["\u200b", "titleRequired"],
  ["\u3164\u2800", "titleRequired"],
  ["Row 1\u202e2", "titleControl"],
  ["Row\u2028 1", "titleControl"],
  ["Row 1\u{e0041}", "titleControl"],
  ["Z\u0301\u0302\u0303\u0304\u0305", "titleMarks"],
])("the title %j is rejected: %s", (typed, key) => {
  expect(validation.title(typed)).toBe(key);
});

test.each(["Łódź", "東京ドーム", "مسرح", "हिन्दी", "👩‍👩‍👧 1️⃣ ❤️", "שָׁלוֹם", "!!!"])(
  "the title %s is accepted",
  (typed) => {
    expect(validation.title(typed)).toBeNull();
  },
);

test("a title's length is counted in code points", () => {
  expect(validation.title("🎟".repeat(200))).toBeNull();
  expect(validation.title("🎟".repeat(201))).toBe("titleLong");
  expect(validation.title("  ")).toBe("titleRequired");
});

test("a password may consist of spaces", () => {
  expect(validation.newPassword("      ")).toBeNull();
  expect(validation.newPassword("12345")).toBe("passwordLength");
});

test.each([
  ["ada@example.com", null],
  [" ada@exämple.de ", null],
  ["ada", "emailInvalid"],
  ["ada@", "emailInvalid"],
  ["a b@example.com", "emailInvalid"],
  [`ada@${"x".repeat(251)}`, "emailLong"],
])("the address %j has the problem %s", (typed, problem) => {
  expect(validation.email(typed)).toBe(problem);
});

test.each([
  ["", "passwordRequired"],
  ["x".repeat(128), null],
  ["x".repeat(129), "passwordLength"],
])("the password %j has the problem %s", (typed, problem) => {
  expect(validation.password(typed)).toBe(problem);
});
