import "server-only";

import { cache } from "react";
import { toResult } from "@/lib/api/result";
import { api } from "@/lib/api/server";
import type { Facets } from "@/lib/api/types";

/** Fetches the cities and days of the tickets for sale. Both are empty while tickets is unavailable. */
export const getFacets = cache(async (): Promise<Pick<Facets, "cities" | "dates">> => {
  const result = await toResult((await api()).GET("/api/tickets/facets"));
  return result.ok ? result.data : { cities: [], dates: [] };
});
