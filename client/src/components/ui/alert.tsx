import type { ReactNode } from "react";
import { cn } from "@/lib/cn";

const TONES = {
  bad: "border-bad bg-bad-soft text-bad",
  warn: "border-warn bg-warn-soft text-warn",
  good: "border-good bg-good-soft text-good",
};

/** A message that screen readers announce when it appears. */
export function Alert(props: {
  tone: keyof typeof TONES;
  title?: string;
  children?: ReactNode;
  className?: string;
}) {
  return (
    <div
      role={props.tone === "good" ? "status" : "alert"}
      className={cn("rounded-xl border-l-4 px-4 py-3", TONES[props.tone], props.className)}
    >
      {props.title && <p className="font-semibold">{props.title}</p>}
      {typeof props.children === "string" ? <p>{props.children}</p> : props.children}
    </div>
  );
}
