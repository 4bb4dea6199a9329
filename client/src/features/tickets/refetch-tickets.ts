"use client";

import { api } from "@/lib/api/browser";
import type { Ticket } from "@/lib/api/types";
import type { apiQuery } from "./search";

const AT_ONCE = 6;

/** Reads a page of the list again, and one by one those that have left it since. */
export async function lookAtList(
  query: ReturnType<typeof apiQuery>,
  ids: string[],
): Promise<Ticket[]> {
  const { data } = await api.GET("/api/tickets", { params: { query } });
  if (!data) return [];
  const listed = new Set(data.map((ticket) => ticket.id));
  return [...data, ...(await lookAtTickets(ids.filter((id) => !listed.has(id))))];
}

/** Reads tickets again, a few at a time; one that cannot be read is left as it is. */
export async function lookAtTickets(ids: string[]): Promise<Ticket[]> {
  const found: Ticket[] = [];
  const waiting = [...ids];
  async function read() {
    for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
      const { data } = await api.GET("/api/tickets/{ticket_id}", {
        params: { path: { ticket_id: id } },
      });
      if (data) found.push(data);
    }
  }
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, ids.length) }, read));
  return found;
}
