import { getReaderLocale, getTranslations } from "@/i18n/server";
import type { Earnings } from "@/lib/api/types";
import { formatPrice } from "@/lib/money";

/** What waits for a seller, what was sent, and what the seller owes. */
export async function Totals({ totals }: { totals: Earnings["totals"] }) {
  const [t, { locale }] = await Promise.all([getTranslations("Earnings"), getReaderLocale()]);
  const shown = (["held", "sent", "owed"] as const).filter(
    (name) => name !== "owed" || totals.owed > 0,
  );
  return (
    <section aria-label={t("totals")}>
      <dl className="flex flex-wrap gap-x-12 gap-y-4">
        {shown.map((name) => (
          <div key={name}>
            <dt className="text-muted">{t(name)}</dt>
            <dd className="font-display text-3xl font-bold tabular-nums">
              {formatPrice(totals[name], locale)}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
