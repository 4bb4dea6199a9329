"use client";

import { useTranslations } from "use-intl";
import { Badge, type Tone } from "@/components/ui/badge";
import { paths } from "@/config/paths";
import { api } from "@/lib/api/browser";
import type { Ticket, TicketStatus } from "@/lib/api/types";
import { useLive } from "@/lib/live/use-live";
import { type ProtectionLevel, protectionLevel } from "@/lib/protection";
import { TicketRow } from "./ticket-row";
import { UNSET_FIELDS } from "./unset-fields";
import type { LabelledTicket } from "./with-labels";

const TONES: Record<TicketStatus | "withdrawn" | "withdrawing", Tone> = {
  available: "neutral",
  reserved: "warn",
  sold: "good",
  withdrawn: "neutral",
  withdrawing: "warn",
};

/** The seller's own listings, with live status. */
export function MyTickets(props: {
  tickets: LabelledTicket[];
  query: { limit: number; cursor?: string };
}) {
  const { query } = props;
  const t = useTranslations("Status");
  const protection = useTranslations("Protection");
  const named = (level: ProtectionLevel) => ({ level, label: protection(level) });
  const tickets = useLive({
    items: props.tickets,
    stream: "/api/tickets/events",
    event: "ticket",
    needsSession: false,
    defaults: UNSET_FIELDS,
    refetch: async () => (await api.GET("/api/tickets/mine", { params: { query } })).data ?? [],
  });
  return (
    <ul className="grid gap-4 lg:grid-cols-2">
      {tickets.map((ticket) => (
        <TicketRow
          key={ticket.id}
          id={ticket.id}
          href={paths.ticket(ticket.id)}
          heading="h2"
          title={ticket.title}
          price={ticket.price}
          show={ticket.showLabel}
          seats={ticket.seatLabels}
          note={ticket.listedLabel}
          protection={named(protectionLevel(ticket.protection))}
          dimmed={Boolean(ticket.withdrawn)}
          badge={<Badge tone={TONES[stateOf(ticket)]}>{t(stateOf(ticket))}</Badge>}
        />
      ))}
    </ul>
  );
}

function stateOf({ status, withdrawn, withdrawing }: Ticket) {
  if (withdrawn) return "withdrawn";
  return withdrawing ? "withdrawing" : status;
}
