"use client";

import { useRouter } from "next/navigation";
import { useState } from "react";
import { useTranslations } from "use-intl";
import { useFormattingLocale } from "@/components/locale";
import { Alert } from "@/components/ui/alert";
import { useSubmission } from "@/components/use-submission";
import { api } from "@/lib/api/browser";
import type { Ticket } from "@/lib/api/types";
import { formatPriceInput } from "@/lib/money";
import { TicketForm, type TicketInput } from "./ticket-form";

const PRECONDITION_FAILED = 412;

/** The form to edit a listing. Sends If-Match, so that an edit in another tab is not overwritten. */
export function EditTicket({ ticket }: { ticket: Ticket }) {
  const t = useTranslations("Sell");
  const router = useRouter();
  const locale = useFormattingLocale();
  const [version, setVersion] = useState(ticket.version);
  const [isSaved, setIsSaved] = useState(false);
  const [hasConflict, setHasConflict] = useState(false);
  const submission = useSubmission<Ticket>({
    staysOnPage: true,
    onSuccess: (updated) => {
      setVersion(updated.version);
      setIsSaved(true);
      router.refresh();
    },
    onFailure: (failure) => {
      setHasConflict(failure.status === PRECONDITION_FAILED);
      if (failure.status < 500) router.refresh();
    },
  });

  function save(body: TicketInput) {
    setIsSaved(false);
    setHasConflict(false);
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
        initial={{ title: ticket.title, price: formatPriceInput(ticket.price, locale) }}
        submitLabel={t("save")}
        submittingLabel={t("saving")}
        busy={submission.busy}
        fields={submission.fields}
        problems={hasConflict ? [t("conflict")] : submission.problems}
        onSubmit={save}
      />
      <div role="status" className="mt-4">
        {isSaved && <Alert tone="good">{t("saved")}</Alert>}
      </div>
    </section>
  );
}
