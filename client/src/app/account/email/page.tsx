import type { Metadata } from "next";
import { BackLink } from "@/components/back-link";
import { PageHeader } from "@/components/page-header";
import { paths } from "@/config/paths";
import { EmailForm } from "@/features/account/email-form";
import { getFormProblems } from "@/i18n/form-problems";
import { Messages } from "@/i18n/messages";
import { getTranslations } from "@/i18n/server";
import { requireUser } from "@/lib/api/session";

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations("Account");
  return { title: t("changeEmail"), robots: { index: false } };
}

export default async function EmailPage({ searchParams }: PageProps<"/account/email">) {
  await requireUser(paths.changeEmail);
  const t = await getTranslations("Account");
  return (
    <div className="mx-auto max-w-md">
      <BackLink href={paths.account}>{t("back")}</BackLink>
      <PageHeader title={t("changeEmail")} lead={t("emailLead")} />
      <Messages of={["Account", "Auth", "Problem"]}>
        <EmailForm problems={await getFormProblems(await searchParams)} />
      </Messages>
    </div>
  );
}
