import { cn } from "@/lib/cn";

export type Tone = "good" | "warn" | "neutral" | "bad";

const TONES: Record<Tone, string> = {
  good: "bg-good-soft text-good",
  warn: "bg-warn-soft text-warn",
  neutral: "bg-well text-muted",
  bad: "bg-bad-soft text-bad",
};

export function Badge({ tone, children }: { tone: Tone; children: string }) {
  return (
    <span
      className={cn(
        "inline-block rounded-2xl border border-transparent px-2.5 py-0.5 text-sm font-semibold",
        TONES[tone],
      )}
    >
      {children}
    </span>
  );
}
