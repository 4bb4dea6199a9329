import { type ParsedPrice, parsePrice } from "@/lib/price-input";
import { formatDay } from "@/lib/show-time";
import { isFiltered, type Search, SORTS } from "./search";

const MAX_BOUND = 1_000_000;
const PRICE_BOUNDS = ["minPrice", "maxPrice"] as const;

type Problem = ParsedPrice & { problem: string };

/** Returns the search with its prices as the API takes them, and which filters cannot match. */
export function parseFilters(search: Search, locale: string) {
  const parsed = { ...search };
  const problems: [name: string, problem: Problem][] = [];
  for (const name of PRICE_BOUNDS) {
    if (search[name] === "") continue;
    const price = parsePrice(search[name], locale);
    if (price.problem) problems.push([name, price]);
    else if (Number(price.amount) > MAX_BOUND) problems.push([name, { problem: "priceBound" }]);
    else parsed[name] = price.amount;
  }
  for (const name of ["from", "to"] as const) {
    if (search[name] !== "" && formatDay(search[name], locale) === null) {
      problems.push([name, { problem: "dateInvalid" }]);
    }
  }
  if (problems.length === 0) {
    if (search.to !== "" && search.to < search.from) problems.push(["to", { problem: "dayOrder" }]);
    if (parsed.maxPrice !== "" && Number(parsed.maxPrice) < Number(parsed.minPrice)) {
      problems.push(["maxPrice", { problem: "priceOrder" }]);
    }
  }
  return { search: parsed, problems };
}

/** Returns the filters that also apply to shows, without those that are not set. */
export function showFilters({ q, city, category, from, to }: Search) {
  return {
    ...(q && { q }),
    ...(city && { city }),
    ...(category && { category }),
    ...(from && { from }),
    ...(to && { to }),
  };
}

/** Returns whether search engines should list the page: the home page, and those of cities and days. */
export function isIndexed(search: Search): boolean {
  const others = { ...search, city: "", from: "", to: "" };
  return !isFiltered(others) && search.cursor === "" && search.sort === SORTS[0];
}
