import { paths } from "@/config/paths";
import type { Sort } from "@/lib/api/types";
import { type ParsedPrice, parsePrice } from "@/lib/price-input";

export const SORTS = ["-createdAt", "createdAt", "price", "-price"] as const satisfies Sort[];
export const PAGE_SIZE = 24;

/** The search parameters in the page's URL. */
export interface Search {
  q: string;
  sort: Sort;
  minPrice: string;
  maxPrice: string;
  cursor: string;
}

export type SearchParams = Record<string, string | string[] | undefined>;

export function parseSearch(params: SearchParams): Search {
  const firstValue = (name: string) => [params[name]].flat()[0]?.trim() ?? "";
  return {
    q: firstValue("q"),
    sort: SORTS.find((sort) => sort === firstValue("sort")) ?? SORTS[0],
    minPrice: firstValue("minPrice"),
    maxPrice: firstValue("maxPrice"),
    cursor: firstValue("cursor"),
  };
}

export function isFiltered(search: Search): boolean {
  return search.q !== "" || search.minPrice !== "" || search.maxPrice !== "";
}

const MAX_BOUND = 1_000_000;
const PRICE_BOUNDS = ["minPrice", "maxPrice"] as const;

/** Returns the search with its prices as the API takes them, and which of them it cannot take. */
export function parsePriceRange(search: Search, locale: string) {
  const parsed = { ...search };
  const problems: [name: string, problem: ParsedPrice & { problem: string }][] = [];
  for (const name of PRICE_BOUNDS) {
    if (search[name] === "") continue;
    const price = parsePrice(search[name], locale);
    if (price.problem) problems.push([name, price]);
    else if (Number(price.amount) > MAX_BOUND) problems.push([name, { problem: "priceBound" }]);
    else parsed[name] = price.amount;
  }
  return { search: parsed, problems };
}

/** Returns the API's query parameters for a search whose prices are parsed. */
export function apiQuery(search: Search) {
  const { q, sort, minPrice, maxPrice, cursor } = search;
  return {
    limit: PAGE_SIZE,
    sort,
    ...(q && { q }),
    ...(minPrice && { minPrice }),
    ...(maxPrice && { maxPrice }),
    ...(cursor && { cursor }),
  };
}

export function searchHref(search: Search): string {
  const { q, sort, minPrice, maxPrice, cursor } = search;
  const parameters = Object.entries({ q, sort, minPrice, maxPrice, cursor }).filter(
    ([name, value]) => value !== "" && !(name === "sort" && value === SORTS[0]),
  );
  return parameters.length === 0
    ? paths.home
    : `${paths.home}?${new URLSearchParams(parameters).toString()}`;
}
