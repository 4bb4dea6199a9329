"use client";

import { useCallback, useEffect, useSyncExternalStore } from "react";
import { noteRenderedAt, onClockChange, serverNow } from "@/lib/server-clock";
import { secondsLeft } from "@/lib/time";

const SECOND_MS = 1_000;

/**
 * Counts down to `until` on the server's clock, whose time was `now` when the page was rendered. Ticks
 * at full seconds, so that delays do not add up.
 */
export function useSecondsLeft({ until, now }: { until: number; now: number }): number {
  useEffect(() => noteRenderedAt(now), [now]);
  const subscribe = useCallback(
    (notify: () => void) => {
      let timer: number;
      function tick() {
        notify();
        const rest = (until - serverNow(now)) % SECOND_MS;
        timer = window.setTimeout(tick, rest > 0 ? rest + 5 : SECOND_MS);
      }
      tick();
      const unsubscribe = onClockChange(notify);
      return () => {
        window.clearTimeout(timer);
        unsubscribe();
      };
    },
    [until, now],
  );
  return useSyncExternalStore(
    subscribe,
    () => secondsLeft(until, serverNow(now)),
    () => secondsLeft(until, now),
  );
}
