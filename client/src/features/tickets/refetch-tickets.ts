"use client";

import { api } from "@/lib/api/browser";
import type { Ticket } from "@/lib/api/types";
import type { apiQuery } from "./search";

const CONCURRENCY = 6;

/** Reads a page of the list again, and one by one those that have left it since. */
export async function refetchPage(
  query: ReturnType<typeof apiQuery>,
  ids: string[],
): Promise<Ticket[]> {
  const { data } = await api.GET("/api/tickets", { params: { query } });
  if (!data) return [];
  const listed = new Set(data.map((ticket) => ticket.id));
  return [...data, ...(await refetchTickets(ids.filter((id) => !listed.has(id))))];
}

/** Reads tickets again, a few at a time; one that cannot be read is left as it is. */
export async function refetchTickets(ids: string[]): Promise<Ticket[]> {
  const found: Ticket[] = [];
  const queue = [...ids];
  async function worker() {
    for (let id = queue.shift(); id !== undefined; id = queue.shift()) {
      const { data } = await api.GET("/api/tickets/{ticket_id}", {
        params: { path: { ticket_id: id } },
      });
      if (data) found.push(data);
    }
  }
  await Promise.all(Array.from({ length: Math.min(CONCURRENCY, ids.length) }, worker));
  return found;
}
