"use client";

import { useRouter } from "next/navigation";
import { useState } from "react";
import { useTranslations } from "use-intl";
import { useFormattingLocale } from "@/components/locale";
import { Alert } from "@/components/ui/alert";
import { Button } from "@/components/ui/button";
import { useSubmission } from "@/components/use-submission";
import { paths } from "@/config/paths";
import { api } from "@/lib/api/browser";
import { PurchaseTrace } from "@/lib/api/purchase-trace";
import { retryWhileNotFound } from "@/lib/api/retry-not-found";
import type { Order, Ticket } from "@/lib/api/types";
import { formatPrice } from "@/lib/money";

/**
 * Reserves the ticket as the page shows it, then navigates to the order's page to pay. If its price, show
 * or seat has changed, nothing is reserved, and the user is asked again.
 */
export function BuyButton(props: {
  ticket: Ticket;
  onOrderingChange: (ordering: boolean) => void;
}) {
  const { ticket, onOrderingChange } = props;
  const t = useTranslations("Ticket");
  const locale = useFormattingLocale();
  const [refusedPrice, setRefusedPrice] = useState<number | null>(null);
  const [change, setChange] = useState<"showChanged" | "seatChanged" | null>(null);
  const router = useRouter();
  const [trace] = useState(() => new PurchaseTrace());
  const { send, busy, problems } = useSubmission<Order>({
    onSuccess: (order) => {
      trace.rememberFor(order.id);
      router.push(paths.order(order.id));
    },
    onFailure: (failure) => {
      onOrderingChange(false);
      const refused = failure.status === 409 ? failure.problems[0]?.field : undefined;
      if (refused === "price") setRefusedPrice(ticket.price);
      if (refused === "showId" || refused === "showVersion") setChange("showChanged");
      if (refused === "seat") setChange("seatChanged");
      if (failure.status === 401) router.push(paths.signIn(paths.ticket(ticket.id)));
      else router.refresh();
    },
  });
  const body = {
    ticketId: ticket.id,
    price: ticket.price,
    showId: ticket.show?.id ?? null,
    showVersion: ticket.show?.version ?? null,
    seat: ticket.seat ?? null,
  };
  return (
    <div className="flex flex-col gap-3">
      <Button
        busy={busy}
        busyLabel={t("buying")}
        className="min-h-13 w-full text-lg"
        onClick={() => {
          onOrderingChange(true);
          setRefusedPrice(null);
          setChange(null);
          void send(body, (key) =>
            retryWhileNotFound(() =>
              api.POST("/api/orders", {
                body,
                headers: { "Idempotency-Key": key, ...trace.headers },
              }),
            ),
          );
        }}
      >
        {t("buy")}
      </Button>
      {refusedPrice !== null && (
        <Alert tone="bad">
          {ticket.price === refusedPrice
            ? t("priceChanged")
            : t("priceNow", { price: formatPrice(ticket.price, locale) })}
        </Alert>
      )}
      {change && <Alert tone="bad">{t(change)}</Alert>}
      {problems.map((problem) => (
        <Alert key={problem} tone="bad">
          {problem}
        </Alert>
      ))}
    </div>
  );
}
