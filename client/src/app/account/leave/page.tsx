import type { Metadata } from "next";
import { BackLink } from "@/components/back-link";
import { Link } from "@/components/link";
import { PageHeader } from "@/components/page-header";
import { Alert } from "@/components/ui/alert";
import { buttonStyle } from "@/components/ui/button-style";
import { paths } from "@/config/paths";
import { getFormProblems } from "@/i18n/form-problems";
import { getTranslations } from "@/i18n/server";
import { requireUser } from "@/lib/api/session";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations("Leave"))("title"), robots: { index: false } };
}

/** Offers the user's data as a file, and leads to the deletion of the account. */
export default async function LeavePage({ searchParams }: PageProps<"/account/leave">) {
  const params = await searchParams;
  const [t, account] = await Promise.all([getTranslations("Leave"), getTranslations("Account")]);
  if (params.done === "1") {
    return (
      <div className="mx-auto max-w-xl">
        <PageHeader title={t("doneTitle")} lead={t("done")} />
        <Link href={paths.home} className={buttonStyle("secondary")}>
          {t("home")}
        </Link>
      </div>
    );
  }
  const user = await requireUser(paths.leave);
  return (
    <div className="mx-auto max-w-xl">
      <BackLink href={paths.account}>{account("back")}</BackLink>
      <PageHeader title={t("title")} lead={account("signedInAs", { email: user.email })} />
      {(await getFormProblems(params)).map((problem) => (
        <Alert key={problem} tone="bad" className="mb-8">
          {problem}
        </Alert>
      ))}
      <section aria-labelledby="export" className="mb-12">
        <h2 id="export" className="mb-2 text-2xl font-semibold">
          {t("export")}
        </h2>
        <p className="mb-4">{t("exportText")}</p>
        <a href={paths.exportAccount} download className={buttonStyle("secondary")}>
          {t("download")}
        </a>
      </section>
      <section aria-labelledby="delete">
        <h2 id="delete" className="mb-2 text-2xl font-semibold">
          {t("delete")}
        </h2>
        <p className="mb-4">{t("deleteText")}</p>
        <Link href={paths.confirmLeave} className={buttonStyle("secondary")}>
          {t("toConfirm")}
        </Link>
      </section>
    </div>
  );
}
