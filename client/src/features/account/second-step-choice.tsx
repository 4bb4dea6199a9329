import { DateTime } from "@/components/locale";
import { Alert } from "@/components/ui/alert";
import { buttonStyle } from "@/components/ui/button-style";
import { paths } from "@/config/paths";
import { getTranslations } from "@/i18n/server";
import type { SignInMethods } from "@/lib/api/types";

/** Whether the password asks for a passkey as well, and an announced end of that. Its forms need no script. */
export async function SecondStepChoice({ methods }: { methods: SignInMethods }) {
  const t = await getTranslations("Passkeys");
  const { required, removalAt, passkeys } = methods;
  return (
    <section aria-labelledby="second-step" className="mt-12">
      <h2 id="second-step" className="text-2xl font-semibold">
        {t("secondStep")}
      </h2>
      {removalAt && (
        <Alert tone="warn" title={t("removalTitle")} className="mt-4">
          <p>
            {t("removalText")} <DateTime at={removalAt} />
          </p>
          <form method="post" action={paths.passkeysForm} className="mt-3">
            <button name="do" value="cancel" className={buttonStyle()}>
              {t("keep")}
            </button>
          </form>
        </Alert>
      )}
      <p className="mt-2 text-muted">{required ? t("secondStepOn") : t("secondStepOff")}</p>
      {(required || passkeys.length > 0) && (
        <form method="post" action={paths.passkeysForm} className="mt-4">
          <button
            name="do"
            value={required ? "off" : "require"}
            className={buttonStyle("secondary")}
          >
            {required ? t("turnOff") : t("turnOn")}
          </button>
        </form>
      )}
    </section>
  );
}
