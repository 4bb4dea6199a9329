"use client";

import { useTranslations } from "use-intl";
import { Confirm } from "@/components/ui/confirm-dialog";
import { Notice } from "@/components/ui/alert";
import { useSubmission } from "@/components/use-submission";
import { api } from "@/lib/api/browser";
import { PurchaseTrace } from "@/lib/api/purchase-trace";

export function CancelOrder(props: { orderId: string; onChanged: () => void }) {
  const t = useTranslations("Order");
  const { send, busy, problems } = useSubmission({
    stays: true,
    done: props.onChanged,
    refused: props.onChanged,
  });
  return (
    <Confirm
      open={t("cancel")}
      title={t("cancelTitle")}
      text={t("cancelText")}
      confirm={t("cancelConfirm")}
      busyLabel={t("cancelling")}
      keep={t("keep")}
      busy={busy}
      onConfirm={() =>
        void send(props.orderId, (key) =>
          api.DELETE("/api/orders/{order_id}", {
            params: { path: { order_id: props.orderId } },
            headers: { "Idempotency-Key": key, ...PurchaseTrace.of(props.orderId).headers },
          }),
        )
      }
    >
      {problems.map((problem) => (
        <Notice key={problem} tone="bad" className="mt-4">
          {problem}
        </Notice>
      ))}
    </Confirm>
  );
}
