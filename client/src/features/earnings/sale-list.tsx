import { Link } from "@/components/link";
import { Badge, type Tone } from "@/components/ui/badge";
import { paths } from "@/config/paths";
import { getReaderLocale, getTranslations } from "@/i18n/server";
import type { Sale } from "@/lib/api/types";
import { formatPrice } from "@/lib/money";
import { formatDay } from "@/lib/time";
import { OfferRefund } from "./offer-refund";
import { type SaleState, saleState } from "./sale-state";

const TONES: Partial<Record<SaleState, Tone>> = {
  sent: "good",
  due: "neutral",
  afterShow: "neutral",
  later: "neutral",
};
const FINAL: ReadonlySet<SaleState> = new Set(["sent", "recalled", "short", "void"]);
const RETURNED: ReadonlySet<SaleState> = new Set([
  ...(["recalled", "short", "void", "charged_back", "refund_pending"] as const),
]);

/** The sales of a seller, each with what happened to its money and what happens next. */
export async function SaleList({ sales, now }: { sales: Sale[]; now: number }) {
  const [t, say, name, { locale, timeZone }] = await Promise.all([
    getTranslations("Earnings"),
    getTranslations("SaleState"),
    getTranslations("SaleBadge"),
    getReaderLocale(),
  ]);
  return (
    <ul className="divide-y divide-line overflow-hidden rounded-2xl border border-line bg-card">
      {sales.map((sale) => {
        const state = saleState(sale, now);
        const canBeReturned = !RETURNED.has(state);
        const facts = {
          net: formatPrice(sale.net, locale),
          day: sale.releaseAt ? formatDay(sale.releaseAt, locale, timeZone) : "–",
        };
        return (
          <li
            key={sale.orderId}
            className="grid gap-x-6 gap-y-3 p-5 sm:grid-cols-[1fr_auto] sm:px-6"
          >
            <div className="min-w-0">
              <h3 dir="auto" className="text-lg leading-snug font-semibold wrap-anywhere">
                {sale.title ?? t("untitled")}
              </h3>
              <ol className="mt-2 space-y-1">
                <li className="text-muted">
                  {t("sold", { day: formatDay(sale.soldAt, locale, timeZone) })}
                </li>
                {sale.dispute && !FINAL.has(state) && state !== "disputed" && (
                  <li className="text-muted">{t("wasDisputed")}</li>
                )}
                {sale.refundOfferedAt && canBeReturned && (
                  <li className="text-muted">
                    {t("offered", { day: formatDay(sale.refundOfferedAt, locale, timeZone) })}
                  </li>
                )}
                <li className="font-medium">{say(state, facts)}</li>
              </ol>
              {canBeReturned && !sale.refundOfferedAt && <OfferRefund sale={sale} />}
            </div>
            <div className="sm:text-right">
              <p className="font-display text-2xl font-bold tabular-nums">{facts.net}</p>
              <p className="text-sm text-muted">
                {sale.fee > 0
                  ? t("priceAndFee", {
                      price: formatPrice(sale.price, locale),
                      fee: formatPrice(sale.fee, locale),
                    })
                  : t("noFee")}
              </p>
              <p className="mt-2">
                <Badge tone={TONES[state] ?? "warn"}>{name(state)}</Badge>
              </p>
            </div>
          </li>
        );
      })}
    </ul>
  );
}

/** The link to all sales as a file. */
export async function StatementLink() {
  const t = await getTranslations("Earnings");
  return (
    <p className="mt-4 flex flex-wrap gap-x-4">
      <a
        href={paths.statement}
        download
        className="inline-flex min-h-11 items-center underline underline-offset-4"
      >
        {t("statement")}
      </a>
      <Link
        href={paths.helpOnPayouts}
        className="inline-flex min-h-11 items-center underline underline-offset-4"
      >
        {t("help")}
      </Link>
    </p>
  );
}
