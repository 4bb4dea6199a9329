import { paths } from "@/config/paths";
import type { Sort } from "@/lib/api/types";

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

/** Returns the API's query parameters for a search. */
export function apiQuery(search: Search) {
  const { q, sort, minPrice, maxPrice, cursor } = search;
  return {
    limit: PAGE_SIZE,
    sort,
    ...(q && { q }),
    ...(minPrice && { minPrice: normalizeDecimal(minPrice) }),
    ...(maxPrice && { maxPrice: normalizeDecimal(maxPrice) }),
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

/** Accepts a decimal comma as well. */
const normalizeDecimal = (text: string) => text.replace(",", ".");
