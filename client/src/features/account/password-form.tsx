"use client";

import { useTranslations } from "use-intl";
import { SubmittedForm } from "@/components/submitted-form";
import { paths } from "@/config/paths";
import { PasswordField } from "@/components/password-field";
import { api } from "@/lib/api/browser";
import { newPassword, password, type ProblemKey } from "@/lib/validation";

/** The form to change the password. */
export function PasswordForm(props: { email: string; problems: string[] }) {
  const t = useTranslations("Account");
  const translateAuth = useTranslations("Auth");
  const translateProblem = useTranslations("Problem");
  const problemText = (key: ProblemKey | null) => (key ? translateProblem(key) : null);
  return (
    <SubmittedForm
      action={paths.changePasswordForm}
      next={paths.accountDone("Password")}
      problems={props.problems}
      request={(values) => {
        const body = { oldPassword: values.oldPassword ?? "", password: values.password ?? "" };
        return api.POST("/api/users/password", { body });
      }}
      submitLabel={t("save")}
      busyLabel={t("saving")}
    >
      <PasswordField
        name="oldPassword"
        label={t("oldPassword")}
        autoComplete="current-password"
        validate={(value) => problemText(password(value))}
      />
      <PasswordField
        label={t("newPassword")}
        autoComplete="new-password"
        email={props.email}
        hint={translateAuth("passwordHint")}
        validate={(value) => problemText(newPassword(value))}
      />
    </SubmittedForm>
  );
}
