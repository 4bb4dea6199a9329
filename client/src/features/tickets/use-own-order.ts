"use client";

import { useEffect, useState } from "react";
import { api } from "@/lib/api/browser";
import type { Ticket } from "@/lib/api/types";
import { type Holder, type OwnOrder, toOwnOrder } from "./own-order";

const NEWEST_ORDERS = 10;

/**
 * Returns the viewer's order on a ticket, null if another holds it, and undefined while that is asked.
 * The page may be older than the order: after "Back", or in a second tab. Only the buyer can read an
 * order, so it is looked up among the viewer's own ones.
 */
export function useOwnOrder(
  ticket: Ticket,
  rendered: Holder | null,
  isBuyer: boolean,
): OwnOrder | null | undefined {
  const [asked, setAsked] = useState<Holder | null>(null);
  const { orderId } = ticket;
  const known = [asked, rendered].find((holder) => holder?.orderId === orderId);
  const mustAsk = isBuyer && orderId !== null && !known;

  useEffect(() => {
    if (!mustAsk) return;
    let isOutdated = false;
    async function ask(id: string) {
      const params = { query: { limit: NEWEST_ORDERS } };
      const [orders, config] = await Promise.all([
        api.GET("/api/orders", { params }),
        api.GET("/api/payments/config").catch(() => null),
      ]);
      if (isOutdated) return;
      const own = orders.data?.find((order) => order.id === id);
      setAsked({ orderId: id, order: own ? toOwnOrder(own, config?.data?.marginSeconds) : null });
    }
    ask(orderId).catch(() => undefined); // the next change of the ticket asks again
    return () => {
      isOutdated = true;
    };
  }, [mustAsk, orderId]);

  if (orderId === null || !isBuyer) return null;
  return known ? known.order : undefined;
}
