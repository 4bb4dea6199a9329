import type { ReactNode } from "react";
import { Link } from "@/components/link";
import { Price } from "@/components/region";
import { cn } from "@/lib/cn";
import { stubTint } from "./stub-tint";

/** A ticket in a list: what it is, what it costs on the stub, and where it stands. */
export function TicketRow(props: {
  id: string;
  href: string;
  title: string;
  price: number;
  note: ReactNode;
  badge?: ReactNode;
  dimmed?: boolean;
}) {
  const { dimmed = false } = props;
  return (
    <li className="relative rounded-2xl ticket-shadow has-[a:focus-visible]:outline-3 has-[a:focus-visible]:outline-offset-2 has-[a:focus-visible]:outline-accent">
      <article className="grid h-full min-h-28 grid-cols-[1fr_var(--stub)] ticket bg-card transition-colors hover:bg-well max-sm:[--stub:6rem]">
        <div className="flex min-w-0 flex-col justify-between gap-3 p-4 sm:p-6">
          <h3
            className={cn(
              "line-clamp-3 text-lg leading-snug font-semibold text-pretty wrap-anywhere sm:text-xl",
              dimmed && "text-muted line-through decoration-1",
            )}
          >
            <Link
              href={props.href}
              className="outline-none after:absolute after:inset-0 after:content-['']"
            >
              {props.title}
            </Link>
          </h3>
          <p className="flex flex-wrap items-center gap-x-3 gap-y-1 text-sm text-muted">
            {props.badge}
            <span>{props.note}</span>
          </p>
        </div>
        <p
          className={cn(
            "flex items-center justify-center border-l-2 border-dashed border-paper px-2 text-center",
            "font-display text-lg font-semibold wrap-anywhere tabular-nums",
            dimmed ? "bg-well text-muted" : stubTint(props.id),
          )}
        >
          <Price amount={props.price} />
        </p>
      </article>
    </li>
  );
}
