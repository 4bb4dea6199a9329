"use client";

import { useTranslations } from "use-intl";
import { SubmittedForm } from "@/components/submitted-form";
import { TextField } from "@/components/ui/text-field";
import { paths } from "@/config/paths";
import { PasswordField } from "@/components/password-field";
import { api } from "@/lib/api/browser";
import { email, password, type ProblemKey } from "@/lib/validation";

/** The form to ask for another address, which asks for the password. */
export function EmailForm(props: { problems: string[] }) {
  const t = useTranslations("Account");
  const translateProblem = useTranslations("Problem");
  const problemText = (key: ProblemKey | null) => (key ? translateProblem(key) : null);
  return (
    <SubmittedForm
      action={paths.changeEmailForm}
      next={paths.accountDone("Email")}
      problems={props.problems}
      request={(values) => {
        const body = { email: (values.email ?? "").trim(), password: values.password ?? "" };
        return api.POST("/api/users/email", { body });
      }}
      submitLabel={t("send")}
      busyLabel={t("sending")}
    >
      <TextField
        name="email"
        label={t("newEmail")}
        validate={(value) => problemText(email(value))}
        input={{
          inputMode: "email",
          autoComplete: "email",
          autoCapitalize: "none",
          spellCheck: false,
        }}
      />
      <PasswordField
        label={t("password")}
        autoComplete="current-password"
        validate={(value) => problemText(password(value))}
      />
    </SubmittedForm>
  );
}
