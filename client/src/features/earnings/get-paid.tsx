import { helpLink } from "@/components/help-link";
import { Alert } from "@/components/ui/alert";
import { buttonStyle } from "@/components/ui/button-style";
import { inputStyle } from "@/components/ui/input-style";
import { paths } from "@/config/paths";
import { getReaderLocale, getTranslations } from "@/i18n/server";
import type { SellerAccount } from "@/lib/api/types";
import { formatPrice } from "@/lib/money";
import { listCountries } from "@/lib/place";
import { formatDateTime } from "@/lib/time";

/** Where the money of a seller goes, and what is still missing. Its forms need no script. */
export async function GetPaid({ seller, justBack }: { seller: SellerAccount; justBack: boolean }) {
  const [t, { locale, timeZone }] = await Promise.all([
    getTranslations("Earnings"),
    getReaderLocale(),
  ]);
  const state = seller.transfers ?? "none";
  const isNew = state === "none" || state === "closed";
  const { requirements = [], owed = 0 } = seller;
  return (
    <section aria-labelledby="paid" className="mb-12 rounded-2xl border border-line bg-card p-6">
      <h2 id="paid" className="text-2xl font-semibold">
        {t(`${state}Title`)}
      </h2>
      <p className="mt-2 max-w-prose">
        {state === "rejected" ? t.rich("rejectedText", { help: helpLink }) : t(`${state}Text`)}
      </p>
      {justBack && state === "pending" && <p className="mt-2 text-muted">{t("justBack")}</p>}
      {requirements.length > 0 && (
        <>
          <p className="mt-4 font-semibold">{t("missing")}</p>
          <ul className="mt-1 list-disc pl-5">
            {requirements.map(({ description, deadline }) => (
              <li key={description} className="wrap-anywhere">
                {deadline === "past_due" ? t("missingOverdue", { what: description }) : description}
              </li>
            ))}
          </ul>
        </>
      )}
      {seller.protectedUntil && (
        <Alert tone="warn" className="mt-4">
          {t("protectedText", { time: formatDateTime(seller.protectedUntil, locale, timeZone) })}
        </Alert>
      )}
      {seller.paused && (
        <Alert tone="warn" className="mt-4">
          {t.rich("pausedText", { help: helpLink })}
        </Alert>
      )}
      {owed > 0 && (
        <Alert tone="warn" className="mt-4">
          {t("owedText", { amount: formatPrice(owed, locale) })}
        </Alert>
      )}
      {state !== "rejected" && !seller.protectedUntil && (
        <form method="post" action={paths.sellerForm} className="mt-5 flex flex-wrap gap-3">
          {isNew && <CountryField locale={locale} label={t("country")} />}
          {state !== "active" && <button className={buttonStyle()}>{t(`${state}Action`)}</button>}
          {!isNew && (
            <button name="to" value="dashboard" className={buttonStyle("secondary")}>
              {t("dashboard")}
            </button>
          )}
        </form>
      )}
    </section>
  );
}

/** Where the seller lives, which cannot be changed once there is an account. */
function CountryField({ locale, label }: { locale: string; label: string }) {
  return (
    <div className="w-full">
      <label htmlFor="country" className="font-semibold">
        {label}
      </label>
      <select
        id="country"
        name="country"
        defaultValue={new Intl.Locale(locale).region ?? "US"}
        className={`${inputStyle} mt-1.5 max-w-80`}
      >
        {listCountries(locale).map(({ code, name }) => (
          <option key={code} value={code}>
            {name}
          </option>
        ))}
      </select>
    </div>
  );
}
