"use client";

import { formatCountdown, isoDuration } from "@/lib/time";
import { useSecondsLeft } from "./use-seconds-left";

export function TimeLeft(props: { expiresAt: string; now: number }) {
  const seconds = useSecondsLeft({ ...props, offset: null });
  return (
    <time dateTime={isoDuration(seconds)} className="font-semibold tabular-nums">
      {formatCountdown(seconds)}
    </time>
  );
}
