import { cache } from "react";
import { toResult } from "@/lib/api/result";
import { api } from "@/lib/api/server";

/** Fetches a ticket, once for the page and its metadata. */
export const getTicket = cache(async (id: string) =>
  toResult((await api()).GET("/api/tickets/{ticket_id}", { params: { path: { ticket_id: id } } })),
);
