import { cn } from "@/lib/cn";

/** The parts of a seat, such as "Row 4". */
export function SeatChips({ labels, className }: { labels: string[]; className?: string }) {
  if (labels.length === 0) return null;
  return (
    <span className={cn("flex flex-wrap gap-1.5", className)}>
      {labels.map((label) => (
        <span
          key={label}
          dir="auto"
          className="rounded-md border border-line bg-paper px-2 py-0.5 text-sm font-semibold wrap-anywhere text-ink"
        >
          {label}
        </span>
      ))}
    </span>
  );
}
