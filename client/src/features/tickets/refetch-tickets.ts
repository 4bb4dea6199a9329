"use client";

import { api } from "@/lib/api/browser";
import type { Ticket } from "@/lib/api/types";
import type { apiQuery } from "./search";

const CONCURRENCY = 6;

/** Fetches a page of the list again, and individually the tickets that are no longer on it. */
export async function refetchPage(
  query: ReturnType<typeof apiQuery>,
  ids: string[],
): Promise<Ticket[]> {
  const { data } = await api.GET("/api/tickets", { params: { query } });
  if (!data) return [];
  const listed = new Set(data.map((ticket) => ticket.id));
  return [...data, ...(await refetchTickets(ids.filter((id) => !listed.has(id))))];
}

/** Fetches tickets by id with limited concurrency. Skips those that cannot be read. */
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
