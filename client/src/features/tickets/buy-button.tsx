"use client";

import { useRouter } from "next/navigation";
import { useState } from "react";
import { useTranslations } from "use-intl";
import { Alert } from "@/components/ui/alert";
import { Button } from "@/components/ui/button";
import { useSubmission } from "@/components/use-submission";
import { paths } from "@/config/paths";
import { api } from "@/lib/api/browser";
import { PurchaseTrace } from "@/lib/api/purchase-trace";
import { retryWhileNotFound } from "@/lib/api/retry-not-found";
import type { Order } from "@/lib/api/types";

/** Reserves the ticket, then navigates to the order's page to pay. */
export function BuyButton(props: {
  ticketId: string;
  onOrderingChange: (ordering: boolean) => void;
}) {
  const { ticketId, onOrderingChange } = props;
  const t = useTranslations("Ticket");
  const router = useRouter();
  const [trace] = useState(() => new PurchaseTrace());
  const { send, busy, problems } = useSubmission<Order>({
    onSuccess: (order) => {
      trace.rememberFor(order.id);
      router.push(paths.order(order.id));
    },
    onFailure: (failure) => {
      onOrderingChange(false);
      if (failure.status === 401) router.push(paths.signIn(paths.ticket(ticketId)));
      else router.refresh();
    },
  });
  const body = { ticketId };
  return (
    <div className="flex flex-col gap-3">
      <Button
        busy={busy}
        busyLabel={t("buying")}
        className="min-h-13 w-full text-lg"
        onClick={() => {
          onOrderingChange(true);
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
      {problems.map((problem) => (
        <Alert key={problem} tone="bad">
          {problem}
        </Alert>
      ))}
    </div>
  );
}
