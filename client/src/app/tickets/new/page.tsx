import type { Metadata } from "next";
import { PageHeader } from "@/components/page-header";
import { TermsNote } from "@/components/terms-note";
import { paths } from "@/config/paths";
import { getShow } from "@/features/shows/get-show";
import { ShowPicker } from "@/features/shows/show-picker";
import { NewTicket } from "@/features/tickets/new-ticket";
import { readTicketInput } from "@/features/tickets/ticket-input";
import { getFormProblems } from "@/i18n/form-problems";
import { Messages } from "@/i18n/messages";
import { getTranslations } from "@/i18n/server";
import { getFee } from "@/lib/api/get-fee";
import { requireUser } from "@/lib/api/session";
import { randomHex } from "@/lib/random-hex";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations("Sell"))("title") };
}

export default async function NewTicketPage({ searchParams }: PageProps<"/tickets/new">) {
  const params = await searchParams;
  const valueOf = (name: string) => [params[name]].flat()[0] ?? "";
  const showId = valueOf("show");
  const user = await requireUser(showId ? paths.newTicketFor(showId) : paths.newTicket);
  const [t, found, feeBasisPoints] = await Promise.all([
    getTranslations("Sell"),
    showId ? getShow(showId) : null,
    getFee(),
  ]);
  const chosen = found?.ok ? found : null;
  return (
    <div className="mx-auto max-w-xl">
      <PageHeader title={t("title")} lead={t("lead")} />
      <ShowPicker page={paths.newTicket} chosen={chosen} find={valueOf("find")} />
      <Messages of={["Sell", "Net", "Legal", "Problem"]}>
        <NewTicket
          userId={user.id}
          show={chosen && { id: chosen.data.id, name: chosen.data.name }}
          typed={readTicketInput(valueOf)}
          problems={await getFormProblems(params)}
          submissionKey={randomHex(16)}
          feeBasisPoints={feeBasisPoints}
        />
        <TermsNote action="list" className="mt-4 text-muted" />
      </Messages>
    </div>
  );
}
