import type { Metadata } from "next";
import { BackLink } from "@/components/back-link";
import { PageHeader } from "@/components/page-header";
import { ServiceUnavailable } from "@/components/service-unavailable";
import { Alert } from "@/components/ui/alert";
import { buttonStyle } from "@/components/ui/button-style";
import { EmptyState } from "@/components/ui/empty-state";
import { paths } from "@/config/paths";
import { NoticeList } from "@/features/account/notice-list";
import { getFormProblems } from "@/i18n/form-problems";
import { getTranslations } from "@/i18n/server";
import { toResult } from "@/lib/api/result";
import { api } from "@/lib/api/server";
import { requireUser } from "@/lib/api/session";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations("Notices"))("title"), robots: { index: false } };
}

/** What the letters to the user were about, so that nothing depends on mail. */
export default async function NoticesPage({ searchParams }: PageProps<"/account/notices">) {
  const request = toResult((await api()).GET("/api/users/notices"));
  await requireUser(paths.notices);
  const [t, account, result] = await Promise.all([
    getTranslations("Notices"),
    getTranslations("Account"),
    request,
  ]);
  return (
    <div className="mx-auto max-w-3xl">
      <BackLink href={paths.account}>{account("back")}</BackLink>
      <PageHeader title={t("title")} lead={t("lead")} />
      {(await getFormProblems(await searchParams)).map((problem) => (
        <Alert key={problem} tone="bad" className="mb-6">
          {problem}
        </Alert>
      ))}
      {!result.ok && <ServiceUnavailable message="noticesUnavailable" />}
      {result.ok && result.data.unread > 0 && (
        <form method="post" action={paths.noticesForm} className="mb-6">
          <button className={buttonStyle("secondary")}>{t("markRead")}</button>
        </form>
      )}
      {result.ok && result.data.notices.length > 0 && <NoticeList notices={result.data.notices} />}
      {result.ok && result.data.notices.length === 0 && (
        <EmptyState title={t("none")}>
          <p>{t("noneText")}</p>
        </EmptyState>
      )}
    </div>
  );
}
