import type { Metadata } from "next";
import { PageHeader } from "@/components/page-header";
import { TermsNote } from "@/components/terms-note";
import { paths } from "@/config/paths";
import { NewTicket } from "@/features/tickets/new-ticket";
import { getFormProblems } from "@/i18n/form-problems";
import { Messages } from "@/i18n/messages";
import { getTranslations } from "@/i18n/server";
import { requireUser } from "@/lib/api/session";
import { randomHex } from "@/lib/random-hex";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations("Sell"))("title") };
}

export default async function NewTicketPage({ searchParams }: PageProps<"/tickets/new">) {
  const user = await requireUser(paths.newTicket);
  const t = await getTranslations("Sell");
  const params = await searchParams;
  const typed = (name: string) => [params[name]].flat()[0] ?? "";
  return (
    <div className="mx-auto max-w-xl">
      <PageHeader title={t("title")} lead={t("lead")} />
      <Messages of={["Sell", "Legal", "Problem"]}>
        <NewTicket
          userId={user.id}
          typed={{ title: typed("title"), price: typed("price") }}
          problems={await getFormProblems(params)}
          submissionKey={randomHex(16)}
        />
        <TermsNote action="list" className="mt-4 text-muted" />
      </Messages>
    </div>
  );
}
