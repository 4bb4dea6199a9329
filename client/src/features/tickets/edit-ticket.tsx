"use client";

import { useRouter } from "next/navigation";
import { useState } from "react";
import { useTranslations } from "use-intl";
import { Link } from "@/components/link";
import { useFormattingLocale } from "@/components/locale";
import { Alert } from "@/components/ui/alert";
import { Button } from "@/components/ui/button";
import { buttonStyle } from "@/components/ui/button-style";
import { useDraft } from "@/components/use-draft";
import { useSubmission } from "@/components/use-submission";
import { paths } from "@/config/paths";
import { api } from "@/lib/api/browser";
import type { Ticket } from "@/lib/api/types";
import { formatPrice } from "@/lib/money";
import { type Edit, hasConflict, isSameListing, listingOf, typedAs } from "./edit";
import { TicketForm } from "./ticket-form";
import { readTicketInput, type TicketBody, type TicketInput } from "./ticket-input";

const PRECONDITION_FAILED = 412;

/**
 * The form to edit a listing. Sends If-Match, so that an edit in another tab is not overwritten: the seller
 * then chooses one of the two. What is typed is kept until it is saved, also while the ticket is reserved.
 */
export function EditTicket(props: { ticket: Ticket }) {
  const t = useTranslations("Sell");
  const router = useRouter();
  const locale = useFormattingLocale();
  const [fetched, setFetched] = useState(props.ticket);
  const ticket = fetched.version > props.ticket.version ? fetched : props.ticket;
  const listing = listingOf(ticket);
  const { draft: edit, isRestored, saveDraft } = useDraft<Edit>(`ticket:${ticket.id}`);
  const [shown, setShown] = useState({ listing, number: 0 });
  const [notice, setNotice] = useState<"saved" | "outdated" | null>(null);

  const submission = useSubmission<Ticket>({
    staysOnPage: true,
    onSuccess: (updated) => {
      setFetched(updated);
      setShown({ ...shown, listing: listingOf(updated) });
      saveDraft(null);
      setNotice("saved");
      router.refresh();
    },
    onFailure: ({ status }) => {
      if (status === 401) router.push(paths.signIn(paths.ticket(ticket.id)));
      else if (status === PRECONDITION_FAILED) void fetchLatest();
      else if (status < 500) router.refresh();
    },
  });

  async function fetchLatest() {
    const path = { ticket_id: ticket.id };
    const { data } = await api.GET("/api/tickets/{ticket_id}", { params: { path } });
    if (data) setFetched(data);
    setNotice("outdated");
    router.refresh();
  }

  function save(body: TicketBody) {
    setNotice(null);
    if (edit) saveDraft({ ...edit, base: listing });
    void submission.send(body, (key) =>
      api.PUT("/api/tickets/{ticket_id}", {
        params: { path: { ticket_id: ticket.id } },
        body,
        headers: { "Idempotency-Key": key, "If-Match": `"${ticket.version}"` },
      }),
    );
  }

  function change(typed: TicketInput) {
    setNotice(null);
    submission.clearFields();
    const isUnchanged = JSON.stringify(typed) === JSON.stringify(typedAs(listing, locale));
    saveDraft(isUnchanged ? null : { typed, base: edit?.base ?? shown.listing });
  }

  function showCurrent() {
    setShown({ listing, number: shown.number + 1 }); // a new form, with the current values
  }

  const isIdle = !submission.busy;
  if (isIdle && !edit && !isSameListing(shown.listing, listing)) showCurrent();
  if (ticket.withdrawn) return null;
  if (ticket.status !== "available") return edit && <KeptEdit ticket={ticket} edit={edit} />;

  const isConflict = isIdle && edit !== null && hasConflict(edit, listing, locale);
  return (
    <section aria-labelledby="edit" className="mt-12 max-w-xl border-t border-line pt-8">
      <div className="mb-6 flex flex-wrap items-center justify-between gap-x-6">
        <h2 id="edit" className="text-2xl font-semibold">
          {t("editTitle")}
        </h2>
        <Link href={paths.showOfTicket(ticket.id)} className={buttonStyle("quiet")}>
          {t(ticket.show ? "changeShow" : "chooseShow")}
        </Link>
      </div>
      {isConflict && (
        <Alert tone="warn" title={t("conflict")} className="mb-6">
          <p suppressHydrationWarning>
            {t("conflictText", {
              title: listing.title,
              price: formatPrice(listing.price, locale),
            })}
          </p>
        </Alert>
      )}
      <TicketForm
        key={`${shown.number} ${isRestored}`}
        action={paths.ticketForm(ticket.id)}
        hidden={{ version: ticket.version }}
        initial={
          edit ? readTicketInput((name) => edit.typed[name]) : typedAs(shown.listing, locale)
        }
        submitLabel={isConflict ? t("keepMine") : t("save")}
        submittingLabel={t("saving")}
        busy={submission.busy}
        fields={submission.fields}
        problems={submission.problems}
        onChange={change}
        onSubmit={save}
        otherAction={
          isConflict && (
            <Button
              variant="secondary"
              onClick={() => {
                saveDraft(null);
                showCurrent();
              }}
            >
              {t("takeTheirs")}
            </Button>
          )
        }
      />
      <div role="status" className="mt-4">
        {notice === "saved" && <Alert tone="good">{t("saved")}</Alert>}
        {notice === "outdated" && !isConflict && <Alert tone="warn">{t("outdated")}</Alert>}
      </div>
    </section>
  );
}

/** Shows what the seller has typed while the ticket cannot be edited. */
function KeptEdit({ ticket, edit }: { ticket: Ticket; edit: Edit }) {
  const t = useTranslations("Sell");
  if (ticket.status === "sold") return null;
  return (
    <Alert tone="warn" title={t("editKept")} className="mt-8 max-w-xl">
      {t("editKeptText", { title: edit.typed.title, price: edit.typed.price })}
    </Alert>
  );
}
