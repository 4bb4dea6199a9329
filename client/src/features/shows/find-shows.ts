import "server-only";

import { cache } from "react";
import { toResult } from "@/lib/api/result";
import { api } from "@/lib/api/server";
import type { Category } from "@/lib/api/types";

export interface ShowSearch {
  q?: string;
  city?: string;
  category?: Category;
  from?: string;
  to?: string;
  limit: number;
  cursor?: string;
}

/** Fetches the shows that match, the next ones first. Once for the page and its metadata. */
export function findShows(search: ShowSearch) {
  return findOnce(JSON.stringify(search));
}

const findOnce = cache(async (key: string) => {
  const query = JSON.parse(key) as ShowSearch;
  return toResult((await api()).GET("/api/tickets/shows", { params: { query } }));
});
