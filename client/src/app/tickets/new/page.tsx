import type { Metadata } from "next";
import { PageHeader } from "@/components/page-header";
import { paths } from "@/config/paths";
import { NewTicket } from "@/features/tickets/new-ticket";
import { Messages } from "@/i18n/messages";
import { getTranslations } from "@/i18n/server";
import { requireUser } from "@/lib/api/session";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations("Sell"))("title") };
}

export default async function NewTicketPage() {
  const user = await requireUser(paths.newTicket);
  const t = await getTranslations("Sell");
  return (
    <div className="mx-auto max-w-xl">
      <PageHeader title={t("title")} lead={t("lead")} />
      <Messages of={["Sell", "Problem"]}>
        <NewTicket userId={user.id} />
      </Messages>
    </div>
  );
}
