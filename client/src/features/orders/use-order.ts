"use client";

import { useRouter } from "next/navigation";
import { useCallback, useEffect, useState } from "react";
import { answerOf } from "@/lib/api/result";
import { api } from "@/lib/api/browser";
import type { Order } from "@/lib/api/types";
import { useLive } from "@/lib/live/use-live";
import { clockOffset } from "@/lib/time";
import { isLive } from "./is-live";

const LOOK_AGAIN_MS = 2_000;

/**
 * An order as it is now, and how far the server's clock is from ours. The stream tells of changes;
 * `look` asks, and each answer also tells the time.
 */
export function useOrder(rendered: Order) {
  const router = useRouter();
  const [offset, setOffset] = useState<number | null>(null);
  const [asked, setAsked] = useState<Order | null>(null);

  const read = useCallback(async (): Promise<Order[]> => {
    const sentAt = Date.now();
    const answer = await answerOf(
      api.GET("/api/orders/{order_id}", { params: { path: { order_id: rendered.id } } }),
    );
    if (!answer.ok) return [];
    setOffset(clockOffset({ date: answer.date, sentAt, receivedAt: Date.now() }));
    setAsked(answer.data);
    return [answer.data];
  }, [rendered.id]);

  const [live = rendered] = useLive({
    items: [rendered],
    stream: "/api/orders/events",
    event: "order",
    needsSession: true,
    look: read,
  });
  const order = asked && asked.version > live.version ? asked : live;

  // What follows from an order that is over (receipt, refund) is rendered on the server.
  const over = !isLive(order) && isLive(rendered);
  useEffect(() => {
    if (over) router.refresh();
  }, [over, router]);

  return { order, offset, look: useCallback(() => void read(), [read]) };
}

/** Asks again and again while something is awaited, should the stream be away. */
export function useLookingAgain(waiting: boolean, look: () => void): void {
  useEffect(() => {
    if (!waiting) return;
    const timer = window.setInterval(look, LOOK_AGAIN_MS);
    return () => window.clearInterval(timer);
  }, [waiting, look]);
}
