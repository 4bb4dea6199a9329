import type { Order } from "@/lib/api/types";

/** Returns whether the order can still be paid. */
export function isLive(order: Order): boolean {
  return order.status === "created" || order.status === "awaiting:payment";
}
