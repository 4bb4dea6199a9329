import { reader, words } from "@/i18n/server";
import type { Ticket } from "@/lib/api/types";
import { formatAgo } from "@/lib/time";

/** Adds to each ticket how long ago it was listed, by the service's clock. */
export async function listed(tickets: Ticket[], now: number) {
  const [t, { region }] = await Promise.all([words("Home"), reader()]);
  return tickets.map((ticket) => {
    const when = formatAgo(ticket.createdAt, now, region);
    return { ...ticket, listed: when ? t("listed", { when }) : t("justListed") };
  });
}
