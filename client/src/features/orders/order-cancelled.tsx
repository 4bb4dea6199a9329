import { useTranslations } from "use-intl";
import { Link } from "@/components/link";
import { useFormattingLocale } from "@/components/locale";
import { Alert } from "@/components/ui/alert";
import { buttonStyle } from "@/components/ui/button-style";
import { EmptyState } from "@/components/ui/empty-state";
import { paths } from "@/config/paths";
import type { Order } from "@/lib/api/types";
import { formatPrice } from "@/lib/money";
import { type PaymentState, paymentStatus } from "@/lib/payment-state";

/** A cancelled or expired order: the reason, and what became of the buyer's money. */
export function OrderCancelled({ order, payment }: { order: Order; payment: PaymentState }) {
  const t = useTranslations("Order");
  const messages = {
    expired: [t("expiredTitle"), t("expiredText")],
    buyer: [t("buyerTitle"), t("buyerText")],
    "payment failed": [t("failedTitle"), t("failedText")],
  } as const;
  const isShowCancelled = order.detail === "show cancelled";
  const [title, text] = isShowCancelled
    ? [t("showCancelledTitle"), t("showCancelledText")]
    : messages[order.reason ?? "expired"];
  const money = useMoneyMessage(payment);
  return (
    <EmptyState
      heading="h1"
      title={title}
      action={
        <>
          {!isShowCancelled && (
            <Link href={paths.ticket(order.ticket.id)} className={buttonStyle()}>
              {t("tryAgain")}
            </Link>
          )}
          <Link href={paths.home} className={buttonStyle("secondary")}>
            {t("browse")}
          </Link>
        </>
      }
    >
      <p dir="auto" className="mb-2 font-semibold wrap-anywhere text-ink">
        {order.ticket.title}
      </p>
      <p>{text}</p>
      {money.tone === null ? (
        <p>{money.message}</p>
      ) : (
        <Alert key={money.tone} tone={money.tone} className="mt-4 text-left">
          {money.message}
        </Alert>
      )}
    </EmptyState>
  );
}

/** Returns what is known about the buyer's money. Only a settled payment says "nothing was charged". */
function useMoneyMessage(payment: PaymentState) {
  const t = useTranslations("Order");
  const locale = useFormattingLocale();
  const amount = typeof payment === "string" ? "" : formatPrice(payment.amount, locale);
  switch (paymentStatus(payment)) {
    case "none":
    case "canceled":
      return { tone: null, message: t("nothingCharged") } as const;
    case "refunded":
      return { tone: "good", message: t("refundedText", { amount }) } as const;
    case "refund_pending":
    case "succeeded": // the refund follows
      return { tone: "warn", message: t("refundPendingText", { amount }) } as const;
    case "refund_failed":
      return { tone: "bad", message: t("refundFailedText", { amount }) } as const;
    case "unknown":
      return { tone: null, message: t("checkingPayment") } as const;
    default: // Stripe has not said yet whether it took the money
      return { tone: "warn", message: t("paymentPending", { amount }) } as const;
  }
}
