import type { Order } from "@/lib/api/types";

/** Whether the order still waits for its payment. */
export function isLive(order: Order): boolean {
  return order.status === "created" || order.status === "awaiting:payment";
}
