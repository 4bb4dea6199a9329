import { cache } from "react";
import { toResult } from "@/lib/api/result";
import { api } from "@/lib/api/server";

/** Fetches a show, once for the page and its metadata. */
export const getShow = cache(async (id: string) =>
  toResult(
    (await api()).GET("/api/tickets/shows/{show_id}", { params: { path: { show_id: id } } }),
  ),
);
