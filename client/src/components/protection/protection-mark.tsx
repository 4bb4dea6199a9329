import { cn } from "@/lib/cn";
import type { ProtectionLevel } from "@/lib/protection";

const COLOURS: Record<ProtectionLevel, string> = {
  described: "text-muted",
  vault: "text-good",
  opened: "text-warn",
  reissued: "text-good",
};

/** A closed safe, an open one, or a sheet of paper. The text beside it has the meaning. */
export function ProtectionMark({
  level,
  className,
}: {
  level: ProtectionLevel;
  className?: string;
}) {
  return (
    <svg
      aria-hidden
      viewBox="0 0 24 24"
      className={cn("shrink-0", COLOURS[level], className)}
      fill="none"
      stroke="currentColor"
      strokeWidth="2"
      strokeLinecap="round"
      strokeLinejoin="round"
    >
      {level === "described" ? (
        <path d="M6 3h9l4 4v14H6zM10 9h4M10 13h5M10 17h5" />
      ) : (
        <path d={`M5 11h14v10H5zM8 11V7a4 4 0 0 1 8 0${level === "opened" ? "" : "v4"}M12 15v2`} />
      )}
    </svg>
  );
}
