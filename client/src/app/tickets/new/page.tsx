import type { Metadata } from "next";
import { PageHead } from "@/components/page-header";
import { paths } from "@/config/paths";
import { NewTicket } from "@/features/tickets/new-ticket";
import { words } from "@/i18n/server";
import { Words } from "@/i18n/messages";
import { requireUser } from "@/lib/api/session";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await words("Sell"))("title") };
}

export default async function NewTicketPage() {
  await requireUser(paths.newTicket);
  const t = await words("Sell");
  return (
    <div className="mx-auto max-w-xl">
      <PageHead title={t("title")} lead={t("lead")} />
      <Words of={["Sell", "Problem"]}>
        <NewTicket />
      </Words>
    </div>
  );
}
