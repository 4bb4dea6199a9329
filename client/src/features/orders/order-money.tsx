import { useTranslations } from "use-intl";
import { useFormattingLocale } from "@/components/locale";
import { Alert } from "@/components/ui/alert";
import { buttonStyle } from "@/components/ui/button-style";
import { paths } from "@/config/paths";
import type { Order } from "@/lib/api/types";
import { formatPrice } from "@/lib/money";
import { protectionLevel } from "@/lib/protection";

/** What happens to the money of a paid order: a dispute, or an offer that is accepted without script. */
export function OrderMoney({ order }: { order: Order }) {
  const t = useTranslations("Order");
  const amount = formatPrice(order.ticket.price, useFormattingLocale());
  if (order.disputed) {
    return (
      <Alert tone="warn" title={t("disputedTitle")} className="mt-4">
        {t("disputedText")}
      </Alert>
    );
  }
  if (order.outcome === "kept") {
    return (
      <Alert tone="warn" className="mt-4">
        {t("keptText")}
      </Alert>
    );
  }
  if (!order.refundOfferedAt || order.refundAgreedAt) return null;
  const isInVault = protectionLevel(order.ticket.protection) !== "described";
  return (
    <Alert tone="warn" title={t("offerTitle")} className="mt-4 print:hidden">
      <p suppressHydrationWarning>{t(isInVault ? "offerInVault" : "offerText", { amount })}</p>
      <form method="post" action={paths.acceptRefundForm(order.id)} className="mt-4">
        <button className={buttonStyle()}>{t("offerAccept")}</button>
      </form>
    </Alert>
  );
}
