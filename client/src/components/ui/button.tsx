import type { ComponentProps } from "react";
import { buttonStyle, type Variant } from "./button-style";

/**
 * A button that ignores clicks while busy, but keeps the focus, which `disabled` would lose. Its label is
 * an element, because a browser's translator replaces text nodes, beside which React cannot insert.
 */
export function Button({
  variant,
  className,
  busy = false,
  busyLabel,
  onClick,
  children,
  ...rest
}: ComponentProps<"button"> & { variant?: Variant; busy?: boolean; busyLabel?: string }) {
  return (
    <button
      type="button"
      {...rest}
      className={buttonStyle(variant, className)}
      aria-disabled={busy || undefined}
      onClick={(event) => {
        if (busy) event.preventDefault();
        else onClick?.(event);
      }}
    >
      {busy && <Spinner />}
      <span>{busy ? (busyLabel ?? children) : children}</span>
    </button>
  );
}

function Spinner() {
  return (
    <span
      aria-hidden
      className="size-4 animate-spin rounded-full border-2 border-current border-r-transparent"
    />
  );
}
