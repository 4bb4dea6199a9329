import { expect, test } from "vitest";
import { countryName, formatPlace, listCountries } from "./place";

const ISO_3166_COUNTRIES = 249;

test("the countries are those of ISO 3166, by name", () => {
  const countries = listCountries("de");
  expect(countries).toHaveLength(ISO_3166_COUNTRIES);
  expect(countries).toContainEqual({ code: "AT", name: "Österreich" });
  expect(countries.map(({ code }) => code)).not.toContain("EU");
});

test("a place has its venue and city, and a country its name", () => {
  expect(formatPlace({ name: "Globe", city: "London", country: "GB" })).toBe("Globe, London");
  expect(countryName("GB", "de-DE")).toBe("Vereinigtes Königreich");
});
