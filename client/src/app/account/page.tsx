import type { Metadata } from "next";
import { PageHeader } from "@/components/page-header";
import { ServiceUnavailable } from "@/components/service-unavailable";
import { paths } from "@/config/paths";
import { SessionList } from "@/features/account/session-list";
import { Messages } from "@/i18n/messages";
import { getTranslations } from "@/i18n/server";
import { toResult } from "@/lib/api/result";
import { api } from "@/lib/api/server";
import { requireUser } from "@/lib/api/session";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations("Account"))("title") };
}

export default async function AccountPage() {
  const sessions = toResult((await api()).GET("/api/users/sessions"));
  const user = await requireUser(paths.account);
  const [t, result] = await Promise.all([getTranslations("Account"), sessions]);
  return (
    <div className="mx-auto max-w-3xl">
      <PageHeader title={t("title")} lead={t("signedInAs", { email: user.email })} />
      <section aria-labelledby="sessions">
        <h2 id="sessions" className="text-2xl font-semibold">
          {t("sessions")}
        </h2>
        <p className="mt-1 mb-6 text-muted">{t("sessionsLead")}</p>
        {result.ok ? (
          <Messages of={["Account", "Problem"]}>
            <SessionList sessions={result.data} />
          </Messages>
        ) : (
          <ServiceUnavailable message="sessionsUnavailable" />
        )}
      </section>
    </div>
  );
}
