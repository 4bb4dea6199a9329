import type { Metadata } from "next";
import { paths } from "@/config/paths";
import { parseLetterLink } from "@/features/auth/letter-link";
import { RecoveryPage } from "@/features/auth/recovery-page";
import { ResetForm } from "@/features/auth/reset-form";
import { getFormProblems } from "@/i18n/form-problems";
import { Messages } from "@/i18n/messages";
import { getTranslations } from "@/i18n/server";

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations("Recovery");
  return { title: t("resetTitle"), robots: { index: false } };
}

/** The page of the link in the letter of a forgotten password. */
export default async function ResetPage({ searchParams }: PageProps<"/auth/reset">) {
  const params = await searchParams;
  const t = await getTranslations("Recovery");
  if (params.done) {
    const other = { href: paths.signIn(), label: t("signIn") };
    return <RecoveryPage title={t("resetDoneTitle")} lead={t("resetDone")} other={other} />;
  }
  const link = parseLetterLink(params);
  const other = { href: paths.forgot, label: t("newLetter") };
  if (!link) return <RecoveryPage title={t("resetTitle")} lead={t("linkMissing")} other={other} />;
  return (
    <RecoveryPage title={t("resetTitle")} lead={t("resetLead")} other={other}>
      <Messages of={["Auth", "Problem", "Recovery"]}>
        <ResetForm link={link} problems={await getFormProblems(params)} />
      </Messages>
    </RecoveryPage>
  );
}
