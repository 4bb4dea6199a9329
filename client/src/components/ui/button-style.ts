import { cn } from "@/lib/cn";

export type Variant = "primary" | "secondary" | "quiet" | "danger";

/** Every button has a border, because forced colours remove its background. */
const VARIANTS: Record<Variant, string> = {
  primary: "px-5 border border-transparent bg-accent text-on-accent hover:bg-accent-strong",
  secondary: "px-5 border border-edge bg-card text-ink hover:bg-well",
  quiet: "-mx-1 px-1 text-ink underline decoration-line underline-offset-4 hover:decoration-ink",
  danger: "px-5 border border-bad text-bad hover:bg-bad-soft",
};

/** Returns the class names of a button, also for links that look like one. */
export function buttonStyle(variant: Variant = "primary", className?: string): string {
  return cn(
    "inline-flex min-h-11 items-center justify-center gap-2 rounded-full font-semibold",
    "transition-colors disabled:cursor-default disabled:opacity-60 print:hidden",
    VARIANTS[variant],
    className,
  );
}
