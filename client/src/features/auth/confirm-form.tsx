"use client";

import { useTranslations } from "use-intl";
import { PasswordField } from "@/components/password-field";
import { SubmittedForm } from "@/components/submitted-form";
import { paths } from "@/config/paths";
import { api } from "@/lib/api/browser";
import { password } from "@/lib/validation";

/** The form to give the password again before a sensitive change. */
export function ConfirmForm(props: { next: string; problems: string[] }) {
  const t = useTranslations("Recovery");
  const translateProblem = useTranslations("Problem");
  return (
    <SubmittedForm
      action={paths.confirmForm}
      next={props.next}
      problems={props.problems}
      hidden={{ next: props.next }}
      request={(values) =>
        api.POST("/api/users/reauthenticate", { body: { password: values.password ?? "" } })
      }
      submitLabel={t("confirm")}
      busyLabel={t("confirming")}
    >
      <PasswordField
        autoComplete="current-password"
        validate={(value) => {
          const problem = password(value);
          return problem && translateProblem(problem);
        }}
      />
    </SubmittedForm>
  );
}
