import type { ComponentProps } from "react";
import { buttonStyle, type Look } from "./button-style";

/** A button that stays where the focus is while it works, and cannot be pressed twice. */
export function Button({
  look,
  className,
  busy = false,
  busyLabel,
  onClick,
  children,
  ...rest
}: ComponentProps<"button"> & { look?: Look; busy?: boolean; busyLabel?: string }) {
  return (
    <button
      type="button"
      {...rest}
      className={buttonStyle(look, className)}
      aria-disabled={busy || undefined}
      onClick={(event) => {
        if (busy) event.preventDefault();
        else onClick?.(event);
      }}
    >
      {busy && <Spinner />}
      {busy ? (busyLabel ?? children) : children}
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
