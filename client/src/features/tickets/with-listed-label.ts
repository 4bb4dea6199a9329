import { getReaderLocale, getTranslations } from "@/i18n/server";
import type { Ticket } from "@/lib/api/types";
import { formatAgo } from "@/lib/time";

/** Adds "Listed 3 hours ago" to each ticket, relative to the server's clock. */
export async function withListedLabel(tickets: Ticket[], now: number) {
  const [t, { locale }] = await Promise.all([getTranslations("Home"), getReaderLocale()]);
  return tickets.map((ticket) => {
    const when = formatAgo(ticket.createdAt, now, locale);
    return { ...ticket, listedLabel: when ? t("listed", { when }) : t("justListed") };
  });
}
