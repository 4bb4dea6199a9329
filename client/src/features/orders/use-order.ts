"use client";

import { useRouter } from "next/navigation";
import { useCallback, useEffect, useState } from "react";
import { api } from "@/lib/api/browser";
import { toResult } from "@/lib/api/result";
import type { Order } from "@/lib/api/types";
import { useLive } from "@/lib/live/use-live";
import { isLive } from "./is-live";

const POLL_INTERVAL_MS = 2_000;

/** Returns the latest known version of an order. Changes arrive on the event stream or by `refetch`. */
export function useOrder(rendered: Order) {
  const router = useRouter();
  const [fetched, setFetched] = useState<Order | null>(null);

  const fetchOrder = useCallback(async (): Promise<Order[]> => {
    const result = await toResult(
      api.GET("/api/orders/{order_id}", { params: { path: { order_id: rendered.id } } }),
    );
    if (!result.ok) return [];
    setFetched(result.data);
    return [result.data];
  }, [rendered.id]);

  const [live = rendered] = useLive({
    items: [rendered],
    stream: "/api/orders/events",
    event: "order",
    needsSession: true,
    refetch: fetchOrder,
  });
  const order = fetched && fetched.version > live.version ? fetched : live;

  // The receipt and the refund of a closed order are rendered on the server.
  const isFinal = !isLive(order) && isLive(rendered);
  useEffect(() => {
    if (isFinal) router.refresh();
  }, [isFinal, router]);

  return { order, refetch: useCallback(() => void fetchOrder(), [fetchOrder]) };
}

/** Calls `refetch` every two seconds while active, in case the event stream is down. */
export function usePolling(isActive: boolean, refetch: () => void): void {
  useEffect(() => {
    if (!isActive) return;
    const timer = window.setInterval(refetch, POLL_INTERVAL_MS);
    return () => window.clearInterval(timer);
  }, [isActive, refetch]);
}
