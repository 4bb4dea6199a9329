import type { Metadata } from "next";
import { Link } from "@/components/link";
import { PageHeader } from "@/components/page-header";
import { ServiceUnavailable } from "@/components/service-unavailable";
import { Alert } from "@/components/ui/alert";
import { paths } from "@/config/paths";
import { AccountDetails } from "@/features/account/account-details";
import { SessionList } from "@/features/account/session-list";
import { getFormProblems } from "@/i18n/form-problems";
import { Messages } from "@/i18n/messages";
import { getTranslations } from "@/i18n/server";
import { toResult } from "@/lib/api/result";
import { api } from "@/lib/api/server";
import { requireUser } from "@/lib/api/session";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations("Account"))("title") };
}

const DONE = ["Verify", "Language", "Password", "Email"] as const;

export default async function AccountPage({ searchParams }: PageProps<"/account">) {
  const client = await api();
  const requests = Promise.all([
    toResult(client.GET("/api/users/sessions")),
    toResult(client.GET("/api/users/account")),
    toResult(client.GET("/api/users/notices")),
  ]);
  const user = await requireUser(paths.account);
  const params = await searchParams;
  const [t, [result, account, notices]] = await Promise.all([getTranslations("Account"), requests]);
  const done = DONE.find((what) => what === params.done);
  return (
    <div className="mx-auto max-w-3xl">
      <PageHeader title={t("title")} lead={t("signedInAs", { email: user.email })} />
      {done && (
        <Alert tone="good" className="mb-8">
          {t(`done${done}`)}
        </Alert>
      )}
      {(await getFormProblems(params)).map((problem) => (
        <Alert key={problem} tone="bad" className="mb-8">
          {problem}
        </Alert>
      ))}
      <p className="mb-4">
        <Link href={paths.notices} className="font-semibold underline underline-offset-4">
          {t("notices")}
        </Link>
        {notices.ok && (
          <span className="text-muted"> · {t("unread", { count: notices.data.unread })}</span>
        )}
      </p>
      <p className="mb-10">
        <Link href={paths.earnings} className="font-semibold underline underline-offset-4">
          {t("earnings")}
        </Link>
      </p>
      {account.ok ? (
        <AccountDetails account={account.data} />
      ) : (
        <ServiceUnavailable message="detailsUnavailable" />
      )}
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
