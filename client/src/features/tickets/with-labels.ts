import { getReaderLocale, getTranslations } from "@/i18n/server";
import type { Ticket } from "@/lib/api/types";
import { formatPlace } from "@/lib/place";
import { seatLabels } from "@/lib/seat";
import { formatShowStart } from "@/lib/show-time";
import { formatAgo } from "@/lib/time";

/** A ticket with the texts of its row, so that lists need neither messages nor dates in the browser. */
export interface LabelledTicket extends Ticket {
  listedLabel: string;
  showLabel: string | null;
  seatLabels: string[];
}

/**
 * Adds "Listed 3 hours ago", by the server's clock, and whether its seller is verified; the day and
 * place of the show, and the seat.
 */
export async function withLabels(tickets: Ticket[], now: number): Promise<LabelledTicket[]> {
  const [t, show, protection, { locale }] = await Promise.all([
    getTranslations("Home"),
    getTranslations("Show"),
    getTranslations("Protection"),
    getReaderLocale(),
  ]);
  return tickets.map((ticket) => {
    const when = formatAgo(ticket.createdAt, now, locale);
    const listed = when ? t("listed", { when }) : t("justListed");
    return {
      ...ticket,
      listedLabel: ticket.sellerVerified ? `${listed} · ${protection("verifiedSeller")}` : listed,
      showLabel: ticket.show
        ? `${formatShowStart(ticket.show, locale, now)} · ${formatPlace(ticket.show.venue)}`
        : null,
      seatLabels: seatLabels(ticket.seat, show),
    };
  });
}
