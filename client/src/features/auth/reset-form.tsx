"use client";

import { useTranslations } from "use-intl";
import { SubmittedForm } from "@/components/submitted-form";
import { done, paths } from "@/config/paths";
import { api } from "@/lib/api/browser";
import { newPassword } from "@/lib/validation";
import type { LetterLink } from "./letter-link";
import { PasswordField } from "@/components/password-field";

/** The form to choose a new password by the link of a letter. */
export function ResetForm(props: { link: LetterLink; problems: string[] }) {
  const t = useTranslations("Recovery");
  const translateAuth = useTranslations("Auth");
  const translateProblem = useTranslations("Problem");
  return (
    <SubmittedForm
      action={paths.resetForm}
      next={done(paths.reset)}
      problems={props.problems}
      hidden={{ ...props.link }}
      request={({ password = "" }) =>
        api.POST("/api/users/reset", { body: { ...props.link, password } })
      }
      submitLabel={t("save")}
      busyLabel={t("saving")}
    >
      <PasswordField
        label={t("newPassword")}
        autoComplete="new-password"
        hint={translateAuth("passwordHint")}
        validate={(value) => {
          const problem = newPassword(value);
          return problem && translateProblem(problem);
        }}
      />
    </SubmittedForm>
  );
}
