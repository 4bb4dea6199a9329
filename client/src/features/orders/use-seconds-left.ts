"use client";

import { useEffect, useState } from "react";
import { secondsLeft } from "@/lib/time";

/**
 * Counts down on the server's clock. `now` is the server's time when the page was rendered, `offset`
 * the clock difference measured later. Ticks at full seconds, so that delays do not add up.
 */
export function useSecondsLeft(options: {
  expiresAt: string;
  now: number;
  offset: number | null;
}): number {
  const { expiresAt, now, offset } = options;
  const [seconds, setSeconds] = useState(() => secondsLeft(expiresAt, now));

  useEffect(() => {
    const clockDifference = offset ?? now - Date.now();
    let timer: number;
    function tick() {
      const serverNow = Date.now() + clockDifference;
      const remaining = secondsLeft(expiresAt, serverNow);
      setSeconds(remaining);
      const untilNext = (Date.parse(expiresAt) - serverNow) % 1000;
      if (remaining > 0) timer = window.setTimeout(tick, untilNext > 0 ? untilNext + 5 : 1000);
    }
    tick();
    return () => window.clearTimeout(timer);
  }, [expiresAt, now, offset]);

  return seconds;
}
