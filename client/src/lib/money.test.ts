import { expect, test } from "vitest";
import { formatPrice, formatPriceInput, toCents } from "./money";

test.each([
  [19.99, 1999],
  [0.5, 50],
  [1.1, 110],
  [999_999.99, 99_999_999],
])("%d is %d cents", (amount, expected) => {
  expect(toCents(amount)).toBe(expected);
});

test("a price is formatted for the locale", () => {
  expect(formatPrice(1234.5, "en-US")).toBe("$1,234.50");
  expect(formatPrice(1234.5, "de-DE")).toBe("1.234,50\u00a0$");
  expect(formatPrice(1234.5, "en-GB")).toBe("US$1,234.50");
});

test.each([
  ["en-US", "1234.50"],
  ["de-AT", "1234,50"],
  ["de-CH", "1234.50"],
  ["en-ZA", "1234,50"],
])("an input's price is formatted for %s", (locale, typed) => {
  expect(formatPriceInput(1234.5, locale)).toBe(typed);
});
