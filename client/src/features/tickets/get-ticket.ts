import { cache } from "react";
import { answerOf } from "@/lib/api/result";
import { api } from "@/lib/api/server";

/** One ticket, read once for a page and its title. */
export const ticketAnswer = cache(async (id: string) =>
  answerOf((await api()).GET("/api/tickets/{ticket_id}", { params: { path: { ticket_id: id } } })),
);
