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
  ["25", "25"],
  ["19.90", "19.90"],
  ["19,90", "19.90"],
  [" $ 0.50 ", "0.50"],
  ["999999.99", "999999.99"],
])("a price typed as %j is sent as %s", (typed, sent) => {
  expect(validation.price.parse(typed)).toBe(sent);
});

test.each([
  ["", "priceRequired"],
  ["free", "priceNumber"],
  ["NaN", "priceNumber"],
  ["1e3", "priceNumber"],
  ["-5", "priceNumber"],
  ["1,000.00", "priceNumber"],
  ["1,000", "priceDecimals"],
  ["0.49", "priceLow"],
  ["1000000", "priceHigh"],
])("a price typed as %j is rejected: %s", (typed, key) => {
  expect(validation.validate(validation.price, typed)).toBe(key);
});

test("a title's length is counted in code points", () => {
  expect(validation.validate(validation.title, "🎟".repeat(200))).toBeNull();
  expect(validation.validate(validation.title, "🎟".repeat(201))).toBe("titleLong");
  expect(validation.validate(validation.title, "  ")).toBe("titleRequired");
});

test("a password may consist of spaces", () => {
  expect(validation.validate(validation.newPassword, "      ")).toBeNull();
  expect(validation.validate(validation.newPassword, "12345")).toBe("passwordLength");
});
