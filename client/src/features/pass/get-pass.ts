import "server-only";

import { cache } from "react";
import { getOrder } from "@/lib/api/get-order";
import { toResult } from "@/lib/api/result";
import { api } from "@/lib/api/server";

export const getPass = cache(async (ticketId: string) =>
  toResult(
    (await api()).GET("/api/tickets/{ticket_id}/pass", {
      params: { path: { ticket_id: ticketId } },
    }),
  ),
);

/** Returns whether the user has paid the order that holds a ticket. Only its buyer can read an order. */
export async function isPaidByUser(orderId: string | null): Promise<boolean> {
  if (orderId === null) return false;
  const order = await getOrder(orderId);
  return order.ok && order.data.status === "complete";
}
