"use client";

import { formatCountdown, isoDuration } from "@/lib/time";
import { useSecondsLeft } from "./use-seconds-left";

/** The time left to pay, which is `until` a time of the server's clock. */
export function TimeLeft(props: { until: number; now: number }) {
  const seconds = useSecondsLeft(props);
  return (
    <time dateTime={isoDuration(seconds)} className="font-semibold tabular-nums">
      {formatCountdown(seconds)}
    </time>
  );
}
