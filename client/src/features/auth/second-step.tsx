"use client";

import { useTranslations } from "use-intl";
import { SubmittedForm } from "@/components/submitted-form";
import { TextField } from "@/components/ui/text-field";
import { done, paths } from "@/config/paths";
import { api } from "@/lib/api/browser";
import type { Ceremony } from "@/lib/api/types";
import { PasskeySignIn } from "./passkey-sign-in";

/**
 * What follows the right password of an account with a second step: a passkey, a recovery code, or the
 * announcement that both are lost. Without script there is no `ceremony`, only its id.
 */
export function SecondStep(props: {
  challengeId: string;
  ceremony?: Ceremony;
  next: string;
  problems: string[];
}) {
  const { challengeId, ceremony, next, problems } = props;
  const t = useTranslations("Passkeys");
  return (
    <div className="flex flex-col gap-8">
      {ceremony && (
        <section>
          <p className="mb-4 text-muted">{t("stepLead")}</p>
          <PasskeySignIn next={next} ceremony={ceremony} variant="primary" />
        </section>
      )}
      <section>
        <h2 className="mb-3 text-xl font-semibold">{t("code")}</h2>
        <SubmittedForm
          action={paths.secondStepForm}
          next={next}
          problems={problems}
          hidden={{ challenge: challengeId, next }}
          request={({ code = "" }) =>
            api.POST("/api/users/signin/recovery", { body: { challengeId, code } })
          }
          submitLabel={t("signInWithCode")}
          busyLabel={t("asking")}
        >
          <TextField
            name="code"
            label={t("codeLabel")}
            hint={t("codeHint")}
            validate={(value) => (value ? null : t("codeMissing"))}
            input={{ autoComplete: "off", autoCapitalize: "characters", spellCheck: false }}
          />
        </SubmittedForm>
      </section>
      <details>
        <summary className="cursor-pointer font-semibold underline underline-offset-4">
          {t("neither")}
        </summary>
        <p className="mt-3 mb-4 text-muted">{t("neitherText")}</p>
        <SubmittedForm
          action={paths.secondStepRemovalForm}
          next={done(paths.secondStep())}
          problems={[]}
          hidden={{ challenge: challengeId, next }}
          request={() => api.POST("/api/users/second-factor/removal", { body: { challengeId } })}
          submitLabel={t("announce")}
          busyLabel={t("announcing")}
        />
      </details>
    </div>
  );
}
