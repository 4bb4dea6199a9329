"use client";

import { useTranslations } from "use-intl";
import { cn } from "@/lib/cn";
import { formatCountdown, isoDuration } from "@/lib/time";

const URGENT_SECONDS = 60;

/** The time left to pay. Announced to screen readers only at five minutes, one minute and zero. */
export function Countdown({ seconds }: { seconds: number }) {
  const t = useTranslations("Order");
  const urgent = seconds <= URGENT_SECONDS;
  return (
    <div>
      <p className="text-sm font-semibold">{t("timeLeft")}</p>
      <p
        role="timer"
        aria-live="off"
        className={cn(
          "font-display text-5xl font-bold tracking-tight tabular-nums",
          urgent && "text-bad",
        )}
      >
        <time dateTime={isoDuration(seconds)}>{formatCountdown(seconds)}</time>
      </p>
      <p role="status" className="sr-only">
        {announcement(seconds, t)}
      </p>
    </div>
  );
}

function announcement(seconds: number, t: ReturnType<typeof useTranslations<"Order">>): string {
  if (seconds === 0) return t("timeUp");
  if (seconds <= 60) return t("oneMinute");
  if (seconds <= 300) return t("fiveMinutes");
  return "";
}
