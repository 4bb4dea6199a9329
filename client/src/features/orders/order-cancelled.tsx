import { useTranslations } from "use-intl";
import { Link } from "@/components/link";
import { useFormattingLocale } from "@/components/locale";
import { Alert } from "@/components/ui/alert";
import { buttonStyle } from "@/components/ui/button-style";
import { EmptyState } from "@/components/ui/empty-state";
import { paths } from "@/config/paths";
import type { Order, Payment } from "@/lib/api/types";
import { formatPrice } from "@/lib/money";

/** A cancelled or expired order: the reason and the status of the refund, if there is one. */
export function OrderCancelled({ order, payment }: { order: Order; payment: Payment | null }) {
  const t = useTranslations("Order");
  const messages = {
    expired: [t("expiredTitle"), t("expiredText")],
    buyer: [t("buyerTitle"), t("buyerText")],
    "payment failed": [t("failedTitle"), t("failedText")],
  } as const;
  const [title, text] = messages[order.reason ?? "expired"];
  const refund = useRefundMessage(payment);
  return (
    <EmptyState
      heading="h1"
      title={title}
      action={
        <>
          <Link href={paths.ticket(order.ticket.id)} className={buttonStyle()}>
            {t("tryAgain")}
          </Link>
          <Link href={paths.home} className={buttonStyle("secondary")}>
            {t("browse")}
          </Link>
        </>
      }
    >
      <p className="mb-2 font-semibold wrap-anywhere text-ink">{order.ticket.title}</p>
      {refund ? (
        <Alert tone={refund.tone} className="mt-4 text-left">
          {refund.message}
        </Alert>
      ) : (
        <p>{text}</p>
      )}
    </EmptyState>
  );
}

function useRefundMessage(payment: Payment | null) {
  const t = useTranslations("Order");
  const locale = useFormattingLocale();
  if (!payment) return null;
  const amount = formatPrice(payment.amount, locale);
  switch (payment.status) {
    case "refunded":
      return { tone: "good", message: t("refundedText", { amount }) } as const;
    case "refund_pending":
    case "succeeded": // the refund follows
      return { tone: "warn", message: t("refundPendingText", { amount }) } as const;
    case "refund_failed":
      return { tone: "bad", message: t("refundFailedText", { amount }) } as const;
    default:
      return null;
  }
}
