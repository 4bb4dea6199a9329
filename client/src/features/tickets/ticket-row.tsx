import type { ReactNode } from "react";
import { Link } from "@/components/link";
import { Price } from "@/components/locale";
import { ProtectionMark } from "@/components/protection/protection-mark";
import { SeatChips } from "@/components/show/seat-chips";
import { cn } from "@/lib/cn";
import type { ProtectionLevel } from "@/lib/protection";
import { stubTint } from "./stub-tint";

/** A ticket in a list: title, show, seat, status, and the price on its stub. */
export function TicketRow(props: {
  id: string;
  href: string;
  title: string;
  heading: "h2" | "h3";
  price: number;
  /** The price when the page was rendered, shown beside another one. */
  previousPrice?: number | undefined;
  /** The day and the place of its show. */
  show: string | null;
  seats: string[];
  note: ReactNode;
  /** What is known about the ticket, and its name. */
  protection: { level: ProtectionLevel; label: string };
  badge?: ReactNode;
  dimmed?: boolean;
}) {
  const { dimmed = false, heading: Heading } = props;
  const hasChanged = props.previousPrice !== undefined && props.previousPrice !== props.price;
  return (
    <li className="relative rounded-2xl ticket-shadow has-[a:focus-visible]:outline-3 has-[a:focus-visible]:outline-offset-2 has-[a:focus-visible]:outline-focus">
      <article className="group grid h-full min-h-28 grid-cols-[minmax(0,1fr)_auto]">
        <div className="flex min-w-0 flex-col justify-between gap-3 ticket-left bg-card p-4 transition-colors group-hover:bg-well sm:p-6">
          <div>
            <Heading
              dir="auto"
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
            </Heading>
            {props.show && (
              <p dir="auto" className="mt-1 text-sm wrap-anywhere">
                {props.show}
              </p>
            )}
            <SeatChips labels={props.seats} className="mt-2" />
          </div>
          <p className="flex flex-wrap items-center gap-x-3 gap-y-1 text-sm text-muted">
            {props.badge}
            <span>{props.note}</span>
            <span className="flex items-center gap-1">
              <ProtectionMark level={props.protection.level} className="size-4" />
              {props.protection.label}
            </span>
          </p>
        </div>
        <p
          className={cn(
            "flex min-w-24 flex-col items-center justify-center ticket-right border-l-2 border-dashed border-paper px-3 sm:min-w-30",
            "font-display text-lg font-semibold whitespace-nowrap tabular-nums",
            dimmed ? "bg-well text-muted" : stubTint(props.id),
          )}
        >
          {hasChanged && (
            <del className="text-sm font-normal">
              <Price amount={props.previousPrice ?? 0} />
            </del>
          )}
          <Price amount={props.price} />
        </p>
      </article>
    </li>
  );
}
