import type { Metadata } from "next";
import { BackLink } from "@/components/back-link";
import { DateTime } from "@/components/locale";
import { PageHeader } from "@/components/page-header";
import { Alert } from "@/components/ui/alert";
import { buttonStyle } from "@/components/ui/button-style";
import { paths } from "@/config/paths";
import { getFormProblems } from "@/i18n/form-problems";
import { getTranslations } from "@/i18n/server";
import { requireUser } from "@/lib/api/session";

const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations("Leave"))("confirmTitle"), robots: { index: false } };
}

/** Names what is lost, and asks whether to delete the account. */
export default async function ConfirmLeavePage(props: PageProps<"/account/leave/confirm">) {
  const user = await requireUser(paths.confirmLeave);
  const [t, account] = await Promise.all([getTranslations("Leave"), getTranslations("Account")]);
  const params = await props.searchParams;
  const from = typeof params.from === "string" && ISO_TIME.test(params.from) ? params.from : null;
  return (
    <div className="mx-auto max-w-xl">
      <BackLink href={paths.account}>{t("keep")}</BackLink>
      <PageHeader title={t("confirmTitle")} lead={account("signedInAs", { email: user.email })} />
      {(await getFormProblems(params)).map((problem) => (
        <Alert key={problem} tone="bad" className="mb-8">
          {problem}
          {from && (
            <>
              {" "}
              {t("possibleFrom")} <DateTime at={from} />.
            </>
          )}
        </Alert>
      ))}
      <ul className="mb-8 list-disc space-y-2 ps-5">
        <li>{t("deleteText")}</li>
        <li>{t("deleteTickets")}</li>
        <li>{t("deleteListings")}</li>
        <li>{t("deleteKept")}</li>
        <li>{t("deleteFinal")}</li>
      </ul>
      <form method="post" action={paths.leaveForm}>
        <button className={buttonStyle("danger")}>{t("confirm")}</button>
      </form>
    </div>
  );
}
