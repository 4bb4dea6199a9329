"use client";

import { useRouter } from "next/navigation";
import { useTranslations } from "use-intl";
import { useDraft } from "@/components/use-draft";
import { useSubmission } from "@/components/use-submission";
import { paths } from "@/config/paths";
import { api } from "@/lib/api/browser";
import type { Ticket } from "@/lib/api/types";
import { TicketForm, type TicketInput } from "./ticket-form";

/**
 * The form to list a ticket. What is typed is kept until it is listed. Without script, a submission returns
 * here with its problems and what was typed; `submissionKey` lets it list the ticket once if it is repeated.
 */
export function NewTicket(props: {
  userId: string;
  typed: TicketInput;
  problems: string[];
  submissionKey: string;
}) {
  const t = useTranslations("Sell");
  const router = useRouter();
  const { draft, isRestored, saveDraft } = useDraft<TicketInput>(`ticket-of:${props.userId}`);
  const submission = useSubmission<Ticket>({
    problems: props.problems,
    onSuccess: (ticket) => {
      saveDraft(null);
      router.push(paths.ticket(ticket.id));
    },
    onFailure: ({ status }) => {
      if (status === 401) router.push(paths.signIn(paths.newTicket));
    },
  });
  return (
    <TicketForm
      key={String(isRestored)}
      action={paths.newTicketForm}
      hidden={{ key: props.submissionKey }}
      initial={draft ?? props.typed}
      submitLabel={t("submit")}
      submittingLabel={t("submitting")}
      busy={submission.busy}
      fields={submission.fields}
      problems={submission.problems}
      onChange={saveDraft}
      onSubmit={(body) =>
        void submission.send(body, (key) =>
          api.POST("/api/tickets", { body, headers: { "Idempotency-Key": key } }),
        )
      }
    />
  );
}
