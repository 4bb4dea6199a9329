"use client";

import { Link } from "@/components/link";
import { Price } from "@/components/locale";
import { TimeLeft } from "@/components/time-left";
import { paths } from "@/config/paths";
import { api } from "@/lib/api/browser";
import type { Order } from "@/lib/api/types";
import { useLive } from "@/lib/live/use-live";
import { payableUntil } from "@/lib/time";
import { isLive } from "./is-live";
import { OrderBadge } from "./order-badge";

export interface LabelledOrder extends Order {
  placed: string;
  /** The day and the place of the show. */
  show: string | null;
}

/** The buyer's orders, with live status. */
export function OrderList(props: {
  orders: LabelledOrder[];
  query: { limit: number; cursor?: string };
  now: number;
  marginSeconds: number | null | undefined;
}) {
  const { query } = props;
  const orders = useLive({
    items: props.orders,
    stream: "/api/orders/events",
    event: "order",
    needsSession: true,
    refetch: async () => (await api.GET("/api/orders", { params: { query } })).data ?? [],
  });
  return (
    <ul className="divide-y divide-line overflow-hidden rounded-2xl border border-line bg-card">
      {orders.map((order) => (
        <li
          key={order.id}
          className="relative grid grid-cols-[1fr_auto] items-center gap-x-6 gap-y-2 p-5 hover:bg-well sm:grid-cols-[1fr_auto_7rem] sm:items-center sm:px-6"
        >
          <div className="col-span-2 min-w-0 sm:col-span-1">
            <h2 dir="auto" className="text-lg leading-snug font-semibold wrap-anywhere">
              <Link
                href={paths.order(order.id)}
                className="after:absolute after:inset-0 after:content-['']"
              >
                {order.ticket.title}
              </Link>
            </h2>
            {order.show && (
              <p dir="auto" className="mt-1 text-sm wrap-anywhere">
                {order.show}
              </p>
            )}
            <p className="mt-1 text-sm text-muted">{order.placed}</p>
          </div>
          <p className="flex items-center gap-3">
            {isLive(order) && (
              <TimeLeft until={payableUntil(order, props.marginSeconds)} now={props.now} />
            )}
            <OrderBadge order={order} />
          </p>
          <p className="font-display text-lg font-semibold tabular-nums sm:text-right">
            <Price amount={order.ticket.price} />
          </p>
        </li>
      ))}
    </ul>
  );
}
