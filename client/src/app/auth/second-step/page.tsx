import type { Metadata } from "next";
import { redirect } from "next/navigation";
import { localPath, paths } from "@/config/paths";
import { RecoveryPage } from "@/features/auth/recovery-page";
import { SecondStep } from "@/features/auth/second-step";
import { getSecondStep } from "@/features/auth/second-step-cookie";
import { getFormProblems } from "@/i18n/form-problems";
import { Messages } from "@/i18n/messages";
import { getTranslations } from "@/i18n/server";

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations("Passkeys");
  return { title: t("stepTitle"), robots: { index: false } };
}

/** The second step of a browser that has submitted the password without script. */
export default async function SecondStepPage({ searchParams }: PageProps<"/auth/second-step">) {
  const params = await searchParams;
  const next = localPath(params.next);
  const t = await getTranslations("Passkeys");
  if (params.done) return <RecoveryPage title={t("announcedTitle")} lead={t("announced")} />;
  const challengeId = await getSecondStep();
  if (!challengeId) redirect(paths.signIn(next));
  return (
    <RecoveryPage title={t("stepTitle")} lead={t("stepWithoutScript")}>
      <Messages of={["Passkeys", "Problem"]}>
        <SecondStep
          challengeId={challengeId}
          next={next}
          problems={await getFormProblems(params)}
        />
      </Messages>
    </RecoveryPage>
  );
}
