import type { Metadata } from "next";
import { Down } from "@/components/service-unavailable";
import { PageHead } from "@/components/page-header";
import { paths } from "@/config/paths";
import { Sessions } from "@/features/account/session-list";
import { words } from "@/i18n/server";
import { Words } from "@/i18n/messages";
import { answerOf } from "@/lib/api/result";
import { api } from "@/lib/api/server";
import { requireUser } from "@/lib/api/session";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await words("Account"))("title") };
}

export default async function AccountPage() {
  const user = await requireUser(paths.account);
  const [t, answer] = await Promise.all([
    words("Account"),
    answerOf((await api()).GET("/api/users/sessions")),
  ]);
  return (
    <div className="mx-auto max-w-3xl">
      <PageHead title={t("title")} lead={t("signedInAs", { email: user.email })} />
      <section aria-labelledby="sessions">
        <h2 id="sessions" className="text-2xl font-semibold">
          {t("sessions")}
        </h2>
        <p className="mt-1 mb-6 text-muted">{t("sessionsLead")}</p>
        {answer.ok ? (
          <Words of={["Account", "Problem"]}>
            <Sessions sessions={answer.data} />
          </Words>
        ) : (
          <Down what="downSessions" />
        )}
      </section>
    </div>
  );
}
