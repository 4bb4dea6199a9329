"use client";

import { useTranslations } from "use-intl";
import { Alert } from "@/components/ui/alert";
import { ConfirmDialog } from "@/components/ui/confirm-dialog";
import { useSubmission } from "@/components/use-submission";
import { api } from "@/lib/api/browser";
import { PurchaseTrace } from "@/lib/api/purchase-trace";

export function CancelOrder(props: { orderId: string; onChanged: () => void }) {
  const t = useTranslations("Order");
  const { send, busy, problems } = useSubmission({
    staysOnPage: true,
    onSuccess: props.onChanged,
    onFailure: props.onChanged,
  });
  return (
    <ConfirmDialog
      triggerLabel={t("cancel")}
      title={t("cancelTitle")}
      text={t("cancelText")}
      confirmLabel={t("cancelConfirm")}
      busyLabel={t("cancelling")}
      dismissLabel={t("keep")}
      busy={busy}
      onConfirm={() =>
        void send(props.orderId, (key) =>
          api.DELETE("/api/orders/{order_id}", {
            params: { path: { order_id: props.orderId } },
            headers: { "Idempotency-Key": key, ...PurchaseTrace.forOrder(props.orderId).headers },
          }),
        )
      }
    >
      {problems.map((problem) => (
        <Alert key={problem} tone="bad" className="mt-4">
          {problem}
        </Alert>
      ))}
    </ConfirmDialog>
  );
}
