"use client";

import { useRouter } from "next/navigation";
import { useTranslations } from "use-intl";
import { useSubmission } from "@/components/use-submission";
import { paths } from "@/config/paths";
import { api } from "@/lib/api/browser";
import type { Ticket } from "@/lib/api/types";
import { TicketForm, type TicketInput } from "./ticket-form";

export function NewTicket() {
  const t = useTranslations("Sell");
  const router = useRouter();
  const submission = useSubmission<Ticket>({
    onSuccess: (ticket) => router.push(paths.ticket(ticket.id)),
  });
  return (
    <TicketForm
      initial={{ title: "", price: "" }}
      submitLabel={t("submit")}
      submittingLabel={t("submitting")}
      busy={submission.busy}
      fields={submission.fields}
      problems={submission.problems}
      onSubmit={(body: TicketInput) =>
        void submission.send(body, (key) =>
          api.POST("/api/tickets", { body, headers: { "Idempotency-Key": key } }),
        )
      }
    />
  );
}
