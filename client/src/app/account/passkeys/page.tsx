import type { Metadata } from "next";
import { BackLink } from "@/components/back-link";
import { PageHeader } from "@/components/page-header";
import { ServiceUnavailable } from "@/components/service-unavailable";
import { Alert } from "@/components/ui/alert";
import { paths } from "@/config/paths";
import { AddPasskey } from "@/features/account/add-passkey";
import { PasskeyList } from "@/features/account/passkey-list";
import { RecoveryCodes } from "@/features/account/recovery-codes";
import { SecondStepChoice } from "@/features/account/second-step-choice";
import { getFormProblems } from "@/i18n/form-problems";
import { Messages } from "@/i18n/messages";
import { getTranslations } from "@/i18n/server";
import { toResult } from "@/lib/api/result";
import { api } from "@/lib/api/server";
import { requireUser } from "@/lib/api/session";

export async function generateMetadata(): Promise<Metadata> {
  const t = await getTranslations("Passkeys");
  return { title: t("title"), robots: { index: false } };
}

export default async function PasskeysPage({ searchParams }: PageProps<"/account/passkeys">) {
  await requireUser(paths.passkeys);
  const params = await searchParams;
  const [t, account, methods, problems] = await Promise.all([
    getTranslations("Passkeys"),
    getTranslations("Account"),
    toResult((await api()).GET("/api/users/passkeys")),
    getFormProblems(params),
  ]);
  return (
    <div className="mx-auto max-w-3xl">
      <BackLink href={paths.account}>{account("back")}</BackLink>
      <PageHeader title={t("title")} lead={t("lead")} />
      {params.done && problems.length === 0 && (
        <Alert tone="good" className="mb-8">
          {t("saved")}
        </Alert>
      )}
      {problems.map((problem) => (
        <Alert key={problem} tone="bad" className="mb-8">
          {problem}
        </Alert>
      ))}
      {methods.ok ? (
        <Messages of={["Passkeys", "Problem"]}>
          <section aria-labelledby="passkeys">
            <h2 id="passkeys" className="mb-4 text-2xl font-semibold">
              {t("yours")}
            </h2>
            <PasskeyList passkeys={methods.data.passkeys} />
            <noscript>
              <p className="mt-6">{t("needsScript")}</p>
            </noscript>
            <AddPasskey />
          </section>
          <SecondStepChoice methods={methods.data} />
          <section aria-labelledby="codes" className="mt-12">
            <h2 id="codes" className="text-2xl font-semibold">
              {t("codes")}
            </h2>
            <p className="mt-2 text-muted">{t("codesLead")}</p>
            <RecoveryCodes left={methods.data.recoveryCodes} />
          </section>
        </Messages>
      ) : (
        <ServiceUnavailable message="detailsUnavailable" />
      )}
    </div>
  );
}
