import { expect, test } from "vitest";
import { regionOf } from "./region";

test.each([
  ["de-AT", "AT"],
  ["de", "DE"],
  ["en", "US"],
  ["en-GB", "GB"],
])("%s follows the conventions of %s", (locale, region) => {
  expect(regionOf(locale)).toBe(region);
});
