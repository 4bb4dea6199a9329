"use client";

import { useRouter } from "next/navigation";
import { useState } from "react";
import { useTranslations } from "use-intl";
import { Button } from "@/components/ui/button";
import { Notice } from "@/components/ui/alert";
import { useSubmission } from "@/components/use-submission";
import { paths } from "@/config/paths";
import { api } from "@/lib/api/browser";
import { onceHeardOf } from "@/lib/api/retry-not-found";
import { PurchaseTrace } from "@/lib/api/purchase-trace";
import type { Order } from "@/lib/api/types";

/** Reserves the ticket and goes on to pay for it. */
export function BuyButton(props: { ticketId: string; onOrdering: (ordering: boolean) => void }) {
  const { ticketId, onOrdering } = props;
  const t = useTranslations("Ticket");
  const router = useRouter();
  const [trace] = useState(() => new PurchaseTrace());
  const { send, busy, problems } = useSubmission<Order>({
    done: (order) => {
      trace.ledTo(order.id);
      router.push(paths.order(order.id));
    },
    refused: (refusal) => {
      onOrdering(false);
      if (refusal.status === 401) router.push(paths.signIn(paths.ticket(ticketId)));
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
          onOrdering(true);
          void send(body, (key) =>
            onceHeardOf(() =>
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
        <Notice key={problem} tone="bad">
          {problem}
        </Notice>
      ))}
    </div>
  );
}
