import { cn } from "@/lib/cn";

export const inputStyle = cn(
  "block min-h-12 w-full rounded-xl border border-edge bg-card px-4 text-ink placeholder:text-muted",
  "focus-visible:border-focus focus-visible:outline-offset-0 aria-invalid:border-bad",
);
