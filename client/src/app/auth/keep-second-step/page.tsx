import type { Metadata } from "next";
import { Alert } from "@/components/ui/alert";
import { buttonStyle } from "@/components/ui/button-style";
import { paths } from "@/config/paths";
import { parseLetterLink } from "@/features/auth/letter-link";
import { RecoveryPage } from "@/features/auth/recovery-page";
import { getFormProblems } from "@/i18n/form-problems";
import { getTranslations } from "@/i18n/server";

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations("Passkeys");
  return { title: t("keepTitle"), robots: { index: false } };
}

/** The page of the link in a letter about an announced removal. Only its button acts. */
export default async function KeepSecondStepPage(props: PageProps<"/auth/keep-second-step">) {
  const params = await props.searchParams;
  const [t, recovery] = await Promise.all([
    getTranslations("Passkeys"),
    getTranslations("Recovery"),
  ]);
  const other = { href: paths.passkeys, label: t("toPasskeys") };
  if (params.done) return <RecoveryPage title={t("keptTitle")} lead={t("kept")} other={other} />;
  const link = parseLetterLink(params);
  if (!link) {
    return <RecoveryPage title={t("keepTitle")} lead={recovery("linkMissing")} other={other} />;
  }
  return (
    <RecoveryPage title={t("keepTitle")} lead={t("keepLead")} other={other}>
      {(await getFormProblems(params)).map((problem) => (
        <Alert key={problem} tone="bad" className="mb-6">
          {problem}
        </Alert>
      ))}
      <form method="post" action={paths.keepSecondStepForm}>
        <input type="hidden" name="letter" value={link.letter} />
        <input type="hidden" name="token" value={link.token} />
        <button className={buttonStyle()}>{t("keep")}</button>
      </form>
    </RecoveryPage>
  );
}
