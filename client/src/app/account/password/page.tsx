import type { Metadata } from "next";
import { BackLink } from "@/components/back-link";
import { PageHeader } from "@/components/page-header";
import { paths } from "@/config/paths";
import { PasswordForm } from "@/features/account/password-form";
import { getFormProblems } from "@/i18n/form-problems";
import { Messages } from "@/i18n/messages";
import { getTranslations } from "@/i18n/server";
import { requireUser } from "@/lib/api/session";

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations("Account");
  return { title: t("changePassword"), robots: { index: false } };
}

export default async function PasswordPage({ searchParams }: PageProps<"/account/password">) {
  const { email } = await requireUser(paths.changePassword);
  const t = await getTranslations("Account");
  return (
    <div className="mx-auto max-w-md">
      <BackLink href={paths.account}>{t("back")}</BackLink>
      <PageHeader title={t("changePassword")} lead={t("passwordLead")} />
      <Messages of={["Account", "Auth", "Problem"]}>
        <PasswordForm email={email} problems={await getFormProblems(await searchParams)} />
      </Messages>
    </div>
  );
}
