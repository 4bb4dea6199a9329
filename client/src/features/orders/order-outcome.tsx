import { useTranslations } from "use-intl";
import { Link } from "@/components/link";
import { Alert } from "@/components/ui/alert";
import { buttonStyle } from "@/components/ui/button-style";
import { paths } from "@/config/paths";
import type { Order } from "@/lib/api/types";
import { protectionLevel } from "@/lib/protection";

const TITLES = {
  returning: "moneyBackTitle",
  refunded: "moneyBackDoneTitle",
  charged_back: "chargedBackTitle",
} as const;
const TEXTS = {
  returning: "returningText",
  refunded: "returnedText",
  charged_back: "chargedBackText",
} as const;

/** How the money of a paid order goes back to its buyer. */
export type MoneyBack = keyof typeof TITLES;

/** Returns how the money of a paid order goes back, or null if it does not. */
export function moneyBack({ outcome, refundAgreedAt }: Order): MoneyBack | null {
  if (outcome) return outcome === "kept" ? null : outcome;
  return refundAgreedAt ? "returning" : null;
}

const isShowCancelled = ({ detail }: Order) => detail === "show cancelled";

/** What becomes of the money of a paid order that goes back, and of its ticket. */
export function OrderOutcome({ order, outcome }: { order: Order; outcome: MoneyBack }) {
  const t = useTranslations("Order");
  const wasInVault = protectionLevel(order.ticket.protection) !== "described";
  return (
    <>
      <h1 className="text-5xl font-bold">
        {t(isShowCancelled(order) ? "showCancelledTitle" : TITLES[outcome])}
      </h1>
      <Alert tone="warn" className="mt-4">
        {t(TEXTS[outcome])}
      </Alert>
      {wasInVault && !isShowCancelled(order) && (
        <Link
          href={paths.pass(order.ticket.id)}
          className={buttonStyle("secondary", "mt-5 print:hidden")}
        >
          {t("yourTicket")}
        </Link>
      )}
    </>
  );
}
