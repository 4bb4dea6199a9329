import "server-only";

import { cache } from "react";
import { toResult } from "@/lib/api/result";
import { api } from "@/lib/api/server";
import { apiQuery, type Search } from "./search";

const MAX_EMPTY_PAGES = 5;

/** Fetches a page of tickets, once for the page and its metadata. */
export function findTickets(search: Search) {
  return findOnce(JSON.stringify(search));
}

const findOnce = cache((key: string) => find(JSON.parse(key) as Search));

/**
 * Fetches a page of tickets. A search for rare words may return an empty page although it can be
 * continued; then the pages that follow are fetched, up to a limit.
 */
async function find(search: Search) {
  const client = await api();
  const fetchPage = (page: Search) =>
    toResult(client.GET("/api/tickets", { params: { query: apiQuery(page) } }));

  let result = await fetchPage(search);
  for (let pages = 1; pages < MAX_EMPTY_PAGES; pages++) {
    if (!result.ok || result.data.length > 0 || !result.next) break;
    result = await fetchPage({ ...search, cursor: result.next });
  }
  return result;
}
