import { describe, expect, test } from "vitest";
import { formatPriceInput } from "./money";
import { parsePrice } from "./price-input";

test.each([
  ["25", "25"],
  ["25.", "25"],
  [".5", "0.5"],
  ["19.90", "19.90"],
  ["19,90", "19.90"],
  ["19,9", "19.9"],
  [" $ 0.50 ", "0.50"],
  ["1234,50 $", "1234.50"],
  ["1,000.00", "1000.00"],
  ["1.000,00", "1000.00"],
  ["1,000,000", "1000000"],
  ["1.000.000", "1000000"],
  ["1 000", "1000"],
  ["1\u00a0234,50", "1234.50"],
  ["1’234.50", "1234.50"],
  ["1,23,456.5", "123456.5"],
])("%j is %s in every region", (typed, amount) => {
  for (const locale of ["en-US", "de-DE", "de-CH", "en-ZA"]) {
    expect(parsePrice(typed, locale)).toEqual({ amount });
  }
});

describe("a separator before three digits", () => {
  test.each([
    ["en-US", "1,000"],
    ["en-IN", "1,000"],
    ["de-DE", "1.000"],
    ["de-AT", "1.000"],
  ])("groups thousands in %s, where %s is written so", (locale, typed) => {
    expect(parsePrice(typed, locale)).toEqual({ amount: "1000" });
  });

  test.each([
    ["en-US", "1.000"],
    ["de-DE", "1,000"],
    ["de-CH", "1.000"],
    ["en-ZA", "1,000"],
  ])("is asked back in %s for %s", (locale, typed) => {
    expect(parsePrice(typed, locale)).toEqual({ problem: "priceAmbiguous", amount: "1000" });
  });
});

test.each([
  ["", "priceRequired"],
  [" $ ", "priceRequired"],
  ["free", "priceNumber"],
  ["NaN", "priceNumber"],
  ["1e3", "priceNumber"],
  ["-5", "priceNumber"],
  ["1,00.50", "priceNumber"],
  ["1,000.00,5", "priceNumber"],
  ["1 00", "priceNumber"],
  ["1.2.3", "priceNumber"],
  ["0.500", "priceDecimals"],
  ["1234.567", "priceDecimals"],
  ["1,000.001", "priceDecimals"],
])("%j is rejected: %s", (typed, problem) => {
  for (const locale of ["en-US", "de-DE"]) {
    expect(parsePrice(typed, locale)).toEqual({ problem });
  }
});

test.each(["en-US", "de-AT", "de-CH", "en-ZA", "en-IN"])(
  "a price in a field can be parsed again in %s",
  (locale) => {
    for (const amount of [0.5, 999, 1000, 1234.5, 999_999.99]) {
      const typed = formatPriceInput(amount, locale);
      expect(parsePrice(typed, locale)).toEqual({ amount: amount.toFixed(2) });
    }
  },
);
