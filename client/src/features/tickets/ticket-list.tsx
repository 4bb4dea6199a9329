"use client";

import { useRouter } from "next/navigation";
import { useState, useTransition } from "react";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { paths } from "@/config/paths";
import type { Ticket, TicketStatus } from "@/lib/api/types";
import { useLive } from "@/lib/live/use-live";
import { type ProtectionLevel, protectionLevel } from "@/lib/protection";
import { refetchPage } from "./refetch-tickets";
import type { apiQuery } from "./search";
import { TicketRow } from "./ticket-row";
import { UNSET_FIELDS } from "./unset-fields";
import type { LabelledTicket } from "./with-labels";

export interface TicketListLabels {
  status: Record<TicketStatus | "withdrawn", string>;
  protection: Record<ProtectionLevel, string>;
  newListings: string;
  showNew: string;
}

/**
 * The tickets for sale, with live status. A ticket that is reserved stays in its place and is marked,
 * so that nothing moves while the user aims at it. New tickets are shown on request, by a notice that does
 * not move the list either.
 */
export function TicketList(props: {
  tickets: LabelledTicket[];
  query: ReturnType<typeof apiQuery>;
  /** Whether a newly listed ticket would appear on this page. */
  showsNewListings: boolean;
  labels: TicketListLabels;
}) {
  const { labels, showsNewListings, query } = props;
  const newest = props.tickets[0]?.createdAt ?? "";
  const router = useRouter();
  const [isRefreshing, startTransition] = useTransition();
  const [newIds, setNewIds] = useState<ReadonlySet<string>>(new Set());
  const tickets = useLive({
    items: props.tickets,
    stream: "/api/tickets/events",
    event: "ticket",
    needsSession: false,
    defaults: UNSET_FIELDS,
    refetch: (ids) => refetchPage(query, ids),
    onUnknownItem: ({ id, status, version, createdAt }) => {
      const isNew = createdAt ? createdAt > newest : version === 0;
      if (showsNewListings && (isNew || status !== "available")) setNewIds(trackNew(id, status));
    },
  });
  const renderedPrices = new Map(props.tickets.map(({ id, price }) => [id, price]));
  const named = (level: ProtectionLevel) => ({ level, label: labels.protection[level] });
  const known = new Set(tickets.map((ticket) => ticket.id));
  const hasNew = [...newIds].filter((id) => !known.has(id)).length > 0;

  return (
    <>
      <div role="status">
        {hasNew && (
          <p
            data-bottom-notice=""
            className="fixed inset-x-4 bottom-4 z-30 mx-auto flex w-fit flex-wrap items-center justify-center gap-x-3 rounded-3xl border border-good bg-good-soft px-5 py-1 font-semibold text-good shadow-xl"
          >
            {labels.newListings}
            <Button
              variant="quiet"
              busy={isRefreshing}
              onClick={() => startTransition(() => router.refresh())}
            >
              {labels.showNew}
            </Button>
          </p>
        )}
      </div>
      <ul className="grid gap-4 lg:grid-cols-2">
        {tickets.map((ticket) => (
          <TicketRow
            key={ticket.id}
            id={ticket.id}
            href={paths.ticket(ticket.id)}
            heading="h3"
            title={ticket.title}
            price={ticket.price}
            previousPrice={renderedPrices.get(ticket.id)}
            show={ticket.showLabel}
            seats={ticket.seatLabels}
            note={ticket.listedLabel}
            protection={named(protectionLevel(ticket.protection))}
            dimmed={!isForSale(ticket)}
            badge={
              !isForSale(ticket) && (
                <Badge tone="neutral">
                  {labels.status[ticket.withdrawn ? "withdrawn" : ticket.status]}
                </Badge>
              )
            }
          />
        ))}
      </ul>
    </>
  );
}

function isForSale({ status, withdrawn }: Pick<Ticket, "status" | "withdrawn">): boolean {
  return status === "available" && !withdrawn;
}

function trackNew(id: string, status: TicketStatus | undefined) {
  return (previous: ReadonlySet<string>) => {
    const next = new Set(previous);
    if (status === "available") next.add(id);
    else next.delete(id);
    return next;
  };
}
