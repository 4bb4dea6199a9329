"use client";

import { useRouter } from "next/navigation";
import { useState } from "react";
import { useTranslations } from "use-intl";
import { useRegion } from "@/components/locale";
import { Notice } from "@/components/ui/alert";
import { useSubmission } from "@/components/use-submission";
import { api } from "@/lib/api/browser";
import type { Ticket } from "@/lib/api/types";
import { typedPrice } from "@/lib/money";
import { TicketForm, type TicketInput } from "./ticket-form";

const CHANGED_MEANWHILE = 412;

/** The seller's own change of a listing; refused if it has changed since they opened it (If-Match). */
export function EditTicket({ ticket }: { ticket: Ticket }) {
  const t = useTranslations("Sell");
  const router = useRouter();
  const region = useRegion();
  const [version, setVersion] = useState(ticket.version);
  const [saved, setSaved] = useState(false);
  const [conflict, setConflict] = useState(false);
  const submission = useSubmission<Ticket>({
    stays: true,
    done: (changed) => {
      setVersion(changed.version);
      setSaved(true);
      router.refresh();
    },
    refused: (refusal) => {
      setConflict(refusal.status === CHANGED_MEANWHILE);
      if (refusal.status < 500) router.refresh();
    },
  });

  function save(body: TicketInput) {
    setSaved(false);
    setConflict(false);
    void submission.send(body, (key) =>
      api.PUT("/api/tickets/{ticket_id}", {
        params: { path: { ticket_id: ticket.id } },
        body,
        headers: { "Idempotency-Key": key, "If-Match": `"${version}"` },
      }),
    );
  }

  return (
    <section aria-labelledby="edit" className="mt-12 max-w-xl border-t border-line pt-8">
      <h2 id="edit" className="mb-6 text-2xl font-semibold">
        {t("editTitle")}
      </h2>
      <TicketForm
        initial={{ title: ticket.title, price: typedPrice(ticket.price, region) }}
        submit={t("save")}
        submitting={t("saving")}
        busy={submission.busy}
        fields={submission.fields}
        problems={conflict ? [t("conflict")] : submission.problems}
        onSubmit={save}
      />
      <div role="status" className="mt-4">
        {saved && <Notice tone="good">{t("saved")}</Notice>}
      </div>
    </section>
  );
}
