"use client";

import { useRouter } from "next/navigation";
import { useTranslations } from "use-intl";
import { Link } from "@/components/link";
import { ShowFacts } from "@/components/show/show-facts";
import { Alert } from "@/components/ui/alert";
import { Button } from "@/components/ui/button";
import { buttonStyle } from "@/components/ui/button-style";
import { useSubmission } from "@/components/use-submission";
import { paths } from "@/config/paths";
import { api } from "@/lib/api/browser";
import type { Pass, Ticket } from "@/lib/api/types";

/** Says what opening a ticket means before it is opened, because it cannot be undone. */
export function SealedPass(props: {
  ticket: Ticket;
  pass: Pass;
  orderId: string | null;
  onRevealed: (pass: Pass) => void;
}) {
  const t = useTranslations("Pass");
  const translateOrder = useTranslations("Order");
  const router = useRouter();
  const { ticket } = props;
  const wasOpened = props.pass.revealedAt !== null;
  const params = { path: { ticket_id: ticket.id } };
  const { send, busy, problems } = useSubmission<Pass>({
    staysOnPage: true,
    onSuccess: props.onRevealed,
    onFailure: ({ status }) => {
      if (status === 401) router.push(paths.signIn(paths.pass(ticket.id)));
      else if (status === 409 || status === 410) router.refresh();
    },
  });
  return (
    <article className="mx-auto mt-6 max-w-lg">
      <h1 className="text-4xl font-bold">{t("sealedTitle")}</h1>
      <p className="mt-2 text-lg text-muted">{t(wasOpened ? "openedText" : "sealedText")}</p>
      <div className="mt-6 rounded-2xl border border-line bg-card p-6">
        <h2 dir="auto" className="text-xl font-semibold wrap-anywhere">
          {ticket.title}
        </h2>
        <ShowFacts show={ticket.show} seat={ticket.seat} className="mt-4" />
      </div>
      <section aria-labelledby="before" className="mt-6 border-l-4 border-warn pl-4">
        <h2 id="before" className="font-semibold">
          {t("beforeTitle")}
        </h2>
        {!wasOpened && <p className="mt-1">{t("beforeSell")}</p>}
        <p className="mt-2">{t("beforeSave")}</p>
      </section>
      {problems.map((problem) => (
        <Alert key={problem} tone="bad" className="mt-4">
          {problem}
        </Alert>
      ))}
      <form
        method="post"
        action={paths.revealForm(ticket.id)}
        className="mt-6 flex flex-wrap gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          void send("reveal", () => api.POST("/api/tickets/{ticket_id}/pass/reveal", { params }));
        }}
      >
        <Button type="submit" busy={busy} busyLabel={t("revealing")} className="min-h-13 text-lg">
          {t("reveal")}
        </Button>
        {props.orderId && (
          <Link href={paths.resell(props.orderId)} className={buttonStyle("secondary", "min-h-13")}>
            {translateOrder("listAgain")}
          </Link>
        )}
      </form>
    </article>
  );
}
