import { useTranslations } from "use-intl";
import { Link } from "@/components/link";
import { useRegion } from "@/components/locale";
import { Blank } from "@/components/ui/empty-state";
import { buttonStyle } from "@/components/ui/button-style";
import { Notice } from "@/components/ui/alert";
import { paths } from "@/config/paths";
import type { Order, Payment } from "@/lib/api/types";
import { formatPrice } from "@/lib/money";

/** An order that was given up: why, what became of the money, and where to go from here. */
export function OrderOver({ order, payment }: { order: Order; payment: Payment | null }) {
  const t = useTranslations("Order");
  const saying = {
    expired: [t("expiredTitle"), t("expiredText")],
    buyer: [t("buyerTitle"), t("buyerText")],
    "payment failed": [t("failedTitle"), t("failedText")],
  } as const;
  const [title, text] = saying[order.reason ?? "expired"];
  const refund = useRefundWords(payment);
  return (
    <Blank
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
        <Notice tone={refund.tone} className="mt-4 text-left">
          {refund.words}
        </Notice>
      ) : (
        <p>{text}</p>
      )}
    </Blank>
  );
}

function useRefundWords(payment: Payment | null) {
  const t = useTranslations("Order");
  const region = useRegion();
  if (!payment) return null;
  const amount = formatPrice(payment.amount, region);
  switch (payment.status) {
    case "refunded":
      return { tone: "good", words: t("refundedText", { amount }) } as const;
    case "refund_pending":
    case "succeeded": // the refund follows
      return { tone: "warn", words: t("refundPendingText", { amount }) } as const;
    case "refund_failed":
      return { tone: "bad", words: t("refundFailedText", { amount }) } as const;
    default:
      return null;
  }
}
