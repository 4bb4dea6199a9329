import { buttonStyle } from "@/components/ui/button-style";
import { paths } from "@/config/paths";
import { getReaderLocale, getTranslations } from "@/i18n/server";
import type { Sale } from "@/lib/api/types";
import { formatPrice } from "@/lib/money";

/** Offers the buyer of a sale the money back, after saying what that means. It needs no script. */
export async function OfferRefund({ sale }: { sale: Sale }) {
  const [t, { locale }] = await Promise.all([getTranslations("Earnings"), getReaderLocale()]);
  return (
    <details className="mt-2">
      <summary className="inline-flex min-h-11 cursor-pointer items-center underline decoration-line underline-offset-4 hover:decoration-ink">
        {t("offer")}
      </summary>
      <p className="max-w-prose">{t("offerText", { price: formatPrice(sale.price, locale) })}</p>
      <form method="post" action={paths.offerRefundForm(sale.orderId)} className="mt-3">
        <button className={buttonStyle("danger")}>{t("offerConfirm")}</button>
      </form>
    </details>
  );
}
