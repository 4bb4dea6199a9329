import type { ReactNode } from "react";
import { cn } from "@/lib/cn";

/** A placeholder for a page or section without content: the reason, and what to do next. */
export function EmptyState(props: {
  title: string;
  heading?: "h1" | "h2";
  children: ReactNode;
  action?: ReactNode;
  className?: string;
}) {
  const Heading = props.heading ?? "h2";
  return (
    <div
      className={cn(
        "mx-auto flex max-w-md flex-col items-center py-16 text-center",
        props.className,
      )}
    >
      <TicketOutline />
      <Heading
        className={cn(
          "mt-6 wrap-anywhere",
          Heading === "h1" ? "text-4xl font-bold" : "text-2xl font-semibold",
        )}
      >
        {props.title}
      </Heading>
      <div className="mt-2 text-balance text-muted">{props.children}</div>
      {props.action && (
        <div className="mt-6 flex flex-wrap justify-center gap-3">{props.action}</div>
      )}
    </div>
  );
}

function TicketOutline() {
  return (
    <svg aria-hidden width="112" height="56" viewBox="0 0 112 56" fill="none" className="text-edge">
      <path
        d="M9 2h62a6 6 0 0 0 12 0h20a7 7 0 0 1 7 7v38a7 7 0 0 1-7 7H83a6 6 0 0 0-12 0H9a7 7 0 0 1-7-7V9a7 7 0 0 1 7-7Z"
        stroke="currentColor"
        strokeWidth="2"
        strokeDasharray="5 5"
      />
      <path d="M77 14v28" stroke="currentColor" strokeWidth="2" strokeDasharray="3 5" />
    </svg>
  );
}
