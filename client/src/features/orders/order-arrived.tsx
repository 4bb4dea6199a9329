import { useTranslations } from "use-intl";
import { buttonStyle } from "@/components/ui/button-style";
import { paths } from "@/config/paths";
import type { Order } from "@/lib/api/types";
import { protectionLevel } from "@/lib/protection";

/** Returns whether the buyer can say that the ticket arrived, which decides when its seller is paid. */
export function mayHaveArrived({ ticket, receivedAt, outcome }: Order): boolean {
  const comesFromSeller = protectionLevel(ticket.protection) === "described";
  return comesFromSeller && !ticket.show && !receivedAt && !outcome;
}

/** Asks the buyer whether the ticket arrived. The form needs no script. */
export function OrderArrived({ orderId }: { orderId: string }) {
  const t = useTranslations("Order");
  return (
    <section aria-labelledby="arrived" className="mt-8 print:hidden">
      <h2 id="arrived" className="text-xl font-semibold">
        {t("hasArrived")}
      </h2>
      <p className="mt-1 text-muted">{t("hasArrivedText")}</p>
      <form method="post" action={paths.receivedForm(orderId)} className="mt-3">
        <button className={buttonStyle("secondary")}>{t("itArrived")}</button>
      </form>
    </section>
  );
}
