import { Link } from "@/components/link";
import { DateTime } from "@/components/locale";
import { Badge } from "@/components/ui/badge";
import { paths } from "@/config/paths";
import { getReaderLocale, getTranslations } from "@/i18n/server";
import type { Notice } from "@/lib/api/types";
import { formatPrice } from "@/lib/money";

/** The notices, each with a link to the page of what it is about. */
export async function NoticeList({ notices }: { notices: Notice[] }) {
  const [t, { locale }] = await Promise.all([getTranslations("Notices"), getReaderLocale()]);
  return (
    <ul className="divide-y divide-line overflow-hidden rounded-2xl border border-line bg-card">
      {notices.map((notice) => {
        const kind = t.has(notice.kind as "receipt") ? (notice.kind as "receipt") : "other";
        const facts = {
          title: notice.title ?? "–",
          amount: notice.amount == null ? "–" : formatPrice(notice.amount, locale),
        };
        return (
          <li key={notice.id} className="p-4">
            <p className="wrap-anywhere">
              <Link href={pageOf(notice)} className="underline underline-offset-4">
                {t(kind, facts)}
              </Link>
            </p>
            <p className="mt-1 flex flex-wrap items-center gap-3 text-sm text-muted">
              <DateTime at={notice.createdAt} />
              {notice.unread && <Badge tone="warn">{t("new")}</Badge>}
              {notice.undelivered && <Badge tone="bad">{t("undelivered")}</Badge>}
            </p>
          </li>
        );
      })}
    </ul>
  );
}

function pageOf({ kind, orderId, ticketId }: Notice): string {
  if (kind === "account_kept") return paths.leave;
  const isOfTicket = ["order_expired", "ticket_sold", "listing_withdrawn"].includes(kind);
  if (ticketId && (isOfTicket || !orderId)) return paths.ticket(ticketId);
  if (kind.startsWith("payout_") || kind.startsWith("dispute_")) return paths.earnings;
  if (kind.startsWith("passkey_") || kind.startsWith("second_factor_")) return paths.passkeys;
  return orderId ? paths.order(orderId) : paths.account;
}
