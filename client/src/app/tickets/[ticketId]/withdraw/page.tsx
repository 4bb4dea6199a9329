import type { Metadata } from "next";
import { notFound, redirect } from "next/navigation";
import { BackLink } from "@/components/back-link";
import { PageHeader } from "@/components/page-header";
import { ServiceUnavailable } from "@/components/service-unavailable";
import { Alert } from "@/components/ui/alert";
import { buttonStyle } from "@/components/ui/button-style";
import { paths } from "@/config/paths";
import { getTicket } from "@/features/tickets/get-ticket";
import { getTranslations } from "@/i18n/server";
import { isUnavailable } from "@/lib/api/result";
import { requireUser } from "@/lib/api/session";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations("Withdraw"))("title"), robots: { index: false } };
}

/** Asks the seller whether to withdraw a ticket. */
export default async function WithdrawPage(props: PageProps<"/tickets/[ticketId]/withdraw">) {
  const { ticketId } = await props.params;
  const user = await requireUser(paths.withdrawTicket(ticketId));
  const [t, result] = await Promise.all([getTranslations("Withdraw"), getTicket(ticketId)]);
  if (!result.ok && !isUnavailable(result)) notFound();
  if (!result.ok) return <ServiceUnavailable message="ticketsUnavailable" heading="h1" />;
  const { title, userId, status, withdrawn, withdrawing } = result.data;
  if (user.id !== userId || withdrawn || withdrawing || status === "sold") {
    redirect(paths.ticket(ticketId));
  }
  return (
    <div className="mx-auto max-w-xl">
      <BackLink href={paths.ticket(ticketId)}>{t("keep")}</BackLink>
      <PageHeader title={t("title")} />
      <p dir="auto" className="mb-4 text-xl font-semibold wrap-anywhere">
        {title}
      </p>
      <p>{t("text")}</p>
      {status === "reserved" && (
        <Alert tone="warn" className="mt-6">
          {t("reserved")}
        </Alert>
      )}
      <form method="post" action={paths.withdrawForm(ticketId)} className="mt-8">
        <button className={buttonStyle("danger")}>{t("confirm")}</button>
      </form>
    </div>
  );
}
