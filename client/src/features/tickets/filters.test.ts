import { expect, test } from "vitest";
import { parseFilters } from "./filters";
import { parseSearch } from "./search";

test.each([
  [{ from: "2027-02-31" }, [["from", "dateInvalid"]]],
  [{ from: "2027-02-10", to: "2026-12-01" }, [["to", "dayOrder"]]],
  [{ minPrice: "9,50", maxPrice: "9" }, [["maxPrice", "priceOrder"]]],
  [{ from: "2027-02-10", to: "2027-02-10", minPrice: "9", maxPrice: "9,00" }, []],
  [{ to: "2027-02-10", maxPrice: "9" }, []],
])("the problems of %o are %o", (params, expected) => {
  const { problems } = parseFilters(parseSearch(params), "de-DE");
  expect(problems.map(([name, { problem }]) => [name, problem])).toEqual(expected);
});
