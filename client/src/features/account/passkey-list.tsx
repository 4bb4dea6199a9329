import { DateTime } from "@/components/locale";
import { buttonStyle } from "@/components/ui/button-style";
import { inputStyle } from "@/components/ui/input-style";
import { paths } from "@/config/paths";
import { getTranslations } from "@/i18n/server";
import type { Passkey } from "@/lib/api/types";

/** The passkeys, each with forms to rename and to remove it that need no script. */
export async function PasskeyList({ passkeys }: { passkeys: Passkey[] }) {
  const t = await getTranslations("Passkeys");
  if (passkeys.length === 0) return <p className="text-muted">{t("none")}</p>;
  return (
    <ul
      aria-labelledby="passkeys"
      className="divide-y divide-line overflow-hidden rounded-2xl border border-line bg-card"
    >
      {passkeys.map(({ id, name, createdAt, lastUsedAt }) => (
        <li key={id} className="p-5 sm:px-6">
          <h3 dir="auto" className="text-lg font-semibold wrap-anywhere">
            {name}
          </h3>
          <p className="mt-1 text-sm text-muted">
            {t("added")} <DateTime at={createdAt} />
            {lastUsedAt && (
              <>
                {" · "}
                {t("lastUsed")} <DateTime at={lastUsedAt} />
              </>
            )}
          </p>
          <details className="mt-3">
            <summary className="cursor-pointer underline underline-offset-4">
              {t("change")}
              <span className="sr-only">: {name}</span>
            </summary>
            <form method="post" action={paths.passkeysForm} className="mt-3 flex flex-wrap gap-3">
              <input type="hidden" name="id" value={id} />
              <label className="sr-only" htmlFor={`name-${id}`}>
                {t("name")}
              </label>
              <input
                id={`name-${id}`}
                name="name"
                defaultValue={name}
                maxLength={60}
                required
                className={`${inputStyle} max-w-80`}
              />
              <button name="do" value="rename" className={buttonStyle("secondary")}>
                {t("rename")}
              </button>
            </form>
            <form method="post" action={paths.passkeysForm} className="mt-3">
              <input type="hidden" name="id" value={id} />
              <button name="do" value="remove" className={buttonStyle("danger")}>
                {t("remove")}
              </button>
            </form>
          </details>
        </li>
      ))}
    </ul>
  );
}
