import type { Metadata } from "next";
import { paths } from "@/config/paths";
import { ForgotForm } from "@/features/auth/forgot-form";
import { RecoveryPage } from "@/features/auth/recovery-page";
import { getTypedEmail } from "@/features/auth/typed-email";
import { getFormProblems } from "@/i18n/form-problems";
import { Messages } from "@/i18n/messages";
import { getTranslations } from "@/i18n/server";

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations("Recovery");
  return { title: t("forgot"), robots: { index: false } };
}

export default async function ForgotPage({ searchParams }: PageProps<"/auth/forgot">) {
  const params = await searchParams;
  const t = await getTranslations("Recovery");
  if (params.done) {
    const other = { href: paths.forgot, label: t("sendAgain") };
    return <RecoveryPage title={t("sentTitle")} lead={t("sent")} other={other} />;
  }
  const problems = await getFormProblems(params);
  const other = { href: paths.signIn(), label: t("toSignIn") };
  return (
    <RecoveryPage title={t("forgot")} lead={t("forgotLead")} other={other}>
      <Messages of={["Auth", "Problem", "Recovery"]}>
        <ForgotForm problems={problems} email={problems.length > 0 ? await getTypedEmail() : ""} />
      </Messages>
    </RecoveryPage>
  );
}
