import type { ReactNode } from "react";

/**
 * The button that pays. On narrow screens it is in a bar that stays at the bottom, beside the time left,
 * which screen readers have from the countdown.
 */
export function PayBar({ timeLeft, children }: { timeLeft: string; children: ReactNode }) {
  return (
    <div
      data-bottom-bar=""
      className="flex items-center gap-4 max-lg:fixed max-lg:inset-x-0 max-lg:bottom-0 max-lg:z-30 max-lg:border-t max-lg:border-line max-lg:bg-paper max-lg:px-4 max-lg:py-3 sm:max-lg:px-6"
    >
      <span aria-hidden className="font-display text-2xl font-bold tabular-nums lg:hidden">
        {timeLeft}
      </span>
      {children}
    </div>
  );
}
