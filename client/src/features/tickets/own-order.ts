import type { Order } from "@/lib/api/types";
import { payableUntil } from "@/lib/time";

/** The viewer's order that holds a ticket, and until when it can be paid. */
export interface OwnOrder {
  id: string;
  until: number;
}

/** Whether the viewer is the one who holds the ticket: null if another is. */
export interface Holder {
  orderId: string;
  order: OwnOrder | null;
}

export const toOwnOrder = (order: Order, marginSeconds: number | null | undefined): OwnOrder => ({
  id: order.id,
  until: payableUntil(order, marginSeconds),
});
