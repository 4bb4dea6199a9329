import type { Metadata } from "next";
import { Alert } from "@/components/ui/alert";
import { buttonStyle } from "@/components/ui/button-style";
import { paths } from "@/config/paths";
import { parseLetterLink } from "@/features/auth/letter-link";
import { RecoveryPage } from "@/features/auth/recovery-page";
import { getFormProblems } from "@/i18n/form-problems";
import { getTranslations } from "@/i18n/server";

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations("Recovery");
  return { title: t("verifyTitle"), robots: { index: false } };
}

/** The page of the link in a letter to a new address. Only its button acts, because scanners open links. */
export default async function VerifyPage({ searchParams }: PageProps<"/auth/verify">) {
  const params = await searchParams;
  const t = await getTranslations("Recovery");
  const other = { href: paths.account, label: t("toAccount") };
  if (params.done) {
    return <RecoveryPage title={t("verifyDoneTitle")} lead={t("verifyDone")} other={other} />;
  }
  const link = parseLetterLink(params);
  if (!link) return <RecoveryPage title={t("verifyTitle")} lead={t("linkMissing")} other={other} />;
  return (
    <RecoveryPage title={t("verifyTitle")} lead={t("verifyLead")} other={other}>
      {(await getFormProblems(params)).map((problem) => (
        <Alert key={problem} tone="bad" className="mb-6">
          {problem}
        </Alert>
      ))}
      <form method="post" action={paths.verifyForm}>
        <input type="hidden" name="letter" value={link.letter} />
        <input type="hidden" name="token" value={link.token} />
        <button className={buttonStyle()}>{t("verify")}</button>
      </form>
    </RecoveryPage>
  );
}
