import { cache } from "react";
import { toResult } from "@/lib/api/result";
import { api } from "@/lib/api/server";

/** One ticket, read once for a page and its title. */
export const getTicket = cache(async (id: string) =>
  toResult((await api()).GET("/api/tickets/{ticket_id}", { params: { path: { ticket_id: id } } })),
);
