import type { Metadata } from "next";
import { localPath, paths } from "@/config/paths";
import { ConfirmForm } from "@/features/auth/confirm-form";
import { PasskeySignIn } from "@/features/auth/passkey-sign-in";
import { RecoveryPage } from "@/features/auth/recovery-page";
import { getFormProblems } from "@/i18n/form-problems";
import { Messages } from "@/i18n/messages";
import { getTranslations } from "@/i18n/server";
import { requireUser } from "@/lib/api/session";

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations("Recovery");
  return { title: t("confirmTitle"), robots: { index: false } };
}

export default async function ConfirmPage({ searchParams }: PageProps<"/auth/confirm">) {
  const params = await searchParams;
  const next = localPath(params.next);
  const { email } = await requireUser(next); // signing in confirms it too
  const t = await getTranslations("Recovery");
  const other = { href: paths.forgot, label: t("forgot") };
  return (
    <RecoveryPage title={t("confirmTitle")} lead={t("confirmLead", { email })} other={other}>
      <Messages of={["Auth", "Passkeys", "Problem", "Recovery"]}>
        <ConfirmForm next={next} problems={await getFormProblems(params)} />
        <div className="mt-6">
          <PasskeySignIn next={next} confirms />
        </div>
      </Messages>
    </RecoveryPage>
  );
}
