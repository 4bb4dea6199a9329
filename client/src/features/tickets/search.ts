import { paths } from "@/config/paths";
import type { Category, Sort } from "@/lib/api/types";
import { CATEGORIES } from "@/lib/categories";

export const SORTS = ["-createdAt", "createdAt", "price", "-price"] as const satisfies Sort[];
export const PAGE_SIZE = 24;

/** The search parameters in the page's URL. `show` is part of the path. */
export interface Search {
  show: string;
  q: string;
  city: string;
  category: Category | "";
  /** Days of the show, as YYYY-MM-DD. */
  from: string;
  to: string;
  sort: Sort;
  minPrice: string;
  maxPrice: string;
  cursor: string;
}

export type SearchParams = Record<string, string | string[] | undefined>;

export function parseSearch(params: SearchParams): Search {
  const firstValue = (name: string) => [params[name]].flat()[0]?.trim() ?? "";
  return {
    show: "",
    q: firstValue("q"),
    city: firstValue("city"),
    category: CATEGORIES.find((category) => category === firstValue("category")) ?? "",
    from: firstValue("from"),
    to: firstValue("to"),
    sort: SORTS.find((sort) => sort === firstValue("sort")) ?? SORTS[0],
    minPrice: firstValue("minPrice"),
    maxPrice: firstValue("maxPrice"),
    cursor: firstValue("cursor"),
  };
}

/** Returns the tickets of a show, the cheapest first. */
export function searchOfShow(show: string, cursor: string): Search {
  return { ...parseSearch({ cursor }), show, sort: "price" };
}

export function isFiltered(search: Search): boolean {
  return searchHref({ ...search, sort: SORTS[0], cursor: "" }) !== paths.home;
}

/** Returns the API's query parameters for a search whose prices are parsed. */
export function apiQuery({ show, sort, category, ...search }: Search) {
  return {
    limit: PAGE_SIZE,
    sort,
    ...(show && { showId: show }),
    ...(category && { category }),
    ...(Object.fromEntries(given(search)) as Partial<typeof search>),
  };
}

export function searchHref({ show, sort, ...search }: Search): string {
  const parameters = given(search);
  if (!show && sort !== SORTS[0]) parameters.push(["sort", sort]);
  const path = show ? paths.show(show) : paths.home;
  return parameters.length === 0 ? path : `${path}?${new URLSearchParams(parameters).toString()}`;
}

const given = (search: Record<string, string>) =>
  Object.entries(search).filter(([, value]) => value !== "");
