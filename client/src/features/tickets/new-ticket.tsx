"use client";

import { useRouter } from "next/navigation";
import { useTranslations } from "use-intl";
import { NetHint } from "@/components/net-hint";
import { useDraft } from "@/components/use-draft";
import { useSubmission } from "@/components/use-submission";
import { paths } from "@/config/paths";
import { api } from "@/lib/api/browser";
import type { Ticket } from "@/lib/api/types";
import { TicketForm } from "./ticket-form";
import { readTicketInput, type TicketInput } from "./ticket-input";

/**
 * The form to list a ticket, for a show if one is chosen. What is typed is kept until it is listed. Without script, a submission returns
 * here with its problems and what was typed; `submissionKey` lets it list the ticket once if it is repeated.
 */
export function NewTicket(props: {
  userId: string;
  show: { id: string; name: string } | null;
  typed: TicketInput;
  problems: string[];
  submissionKey: string;
  feeBasisPoints: number | null;
}) {
  const t = useTranslations("Sell");
  const router = useRouter();
  const showId = props.show?.id ?? null;
  const { draft, isRestored, saveDraft } = useDraft<TicketInput>(`ticket-of:${props.userId}`);
  const submission = useSubmission<Ticket>({
    problems: props.problems,
    onSuccess: (ticket) => {
      saveDraft(null);
      router.push(paths.ticket(ticket.id));
    },
    onFailure: ({ status }) => {
      if (status === 401) router.push(paths.signIn(pageOf(showId)));
    },
  });
  const showProblem = submission.fields.showId; // no field of this form
  const initial = draft ? readTicketInput((name) => draft[name]) : props.typed;
  return (
    <TicketForm
      key={`${isRestored} ${showId}`}
      action={paths.newTicketForm}
      hidden={{ key: props.submissionKey, ...(showId && { showId }) }}
      initial={{ ...initial, title: initial.title || (props.show?.name ?? "") }}
      submitLabel={t("submit")}
      submittingLabel={t("submitting")}
      busy={submission.busy}
      fields={submission.fields}
      problems={[...submission.problems, ...(showProblem ? [showProblem] : [])]}
      priceNote={(typed) => (
        <NetHint
          typedPrice={typed}
          feeBasisPoints={props.feeBasisPoints}
          hasShow={showId !== null}
        />
      )}
      onChange={(typed) => {
        submission.clearFields();
        saveDraft(typed);
      }}
      onSubmit={(typed) => {
        const body = { ...typed, ...(showId && { showId }) };
        void submission.send(body, (key) =>
          api.POST("/api/tickets", { body, headers: { "Idempotency-Key": key } }),
        );
      }}
    />
  );
}

const pageOf = (showId: string | null) => (showId ? paths.newTicketFor(showId) : paths.newTicket);
