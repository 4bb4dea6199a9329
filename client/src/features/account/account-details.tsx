import { Link } from "@/components/link";
import { Alert } from "@/components/ui/alert";
import { Badge } from "@/components/ui/badge";
import { buttonStyle } from "@/components/ui/button-style";
import { inputStyle } from "@/components/ui/input-style";
import { paths } from "@/config/paths";
import { getReaderLocale, getTranslations } from "@/i18n/server";
import type { Account } from "@/lib/api/types";
import { formatDateTime } from "@/lib/time";

/** The address, the password and the language of an account, and whether it is suspended. Its forms need no script. */
export async function AccountDetails({ account }: { account: Account }) {
  const [t, { language, locale, timeZone }] = await Promise.all([
    getTranslations("Account"),
    getReaderLocale(),
  ]);
  const { suspended } = account;
  return (
    <section aria-labelledby="details" className="mb-12">
      <h2 id="details" className="mb-4 text-2xl font-semibold">
        {t("details")}
      </h2>
      {suspended && (
        <Alert tone="bad" title={t("suspended")} className="mb-4 wrap-anywhere">
          {t("suspendedText", {
            date: formatDateTime(suspended.at, locale, timeZone),
            reason: suspended.reason,
          })}
        </Alert>
      )}
      {account.passwordWarning && (
        <Alert tone="warn" className="mb-4">
          {t("passwordCommon")}
        </Alert>
      )}
      <p className="flex flex-wrap items-center gap-3">
        <span dir="auto" className="wrap-anywhere">
          {account.email}
        </span>
        <Badge tone={account.verified ? "good" : "warn"}>
          {account.verified ? t("confirmed") : t("unconfirmed")}
        </Badge>
        {account.role === "operator" && <Badge tone="good">{t("operator")}</Badge>}
      </p>
      {account.requestedEmail && (
        <p className="mt-2 wrap-anywhere text-muted">
          {t("requested", { email: account.requestedEmail })}
        </p>
      )}
      {!account.verified && (
        <form method="post" action={paths.accountVerifyForm} className="mt-2">
          <p className="text-muted">{t("unconfirmedText")}</p>
          <button className={buttonStyle("secondary", "mt-3")}>{t("sendAgain")}</button>
        </form>
      )}
      <p className="mt-4 flex flex-wrap gap-3">
        <Link href={paths.changeEmail} className={buttonStyle("secondary")}>
          {t("changeEmail")}
        </Link>
        <Link href={paths.changePassword} className={buttonStyle("secondary")}>
          {t("changePassword")}
        </Link>
        <Link href={paths.passkeys} className={buttonStyle("secondary")}>
          {t("passkeys")}
        </Link>
        <Link href={paths.leave} className={buttonStyle("secondary")}>
          {t("leave")}
        </Link>
      </p>
      <form method="post" action={paths.languageForm} className="mt-8">
        <label htmlFor="language" className="font-semibold">
          {t("language")}
        </label>
        <div className="mt-1.5 flex flex-wrap gap-3">
          <select
            id="language"
            name="language"
            defaultValue={account.language ?? language}
            className={`${inputStyle} max-w-60`}
          >
            <option value="en" lang="en">
              English
            </option>
            <option value="de" lang="de">
              Deutsch
            </option>
          </select>
          <button className={buttonStyle("secondary")}>{t("saveLanguage")}</button>
        </div>
      </form>
    </section>
  );
}
