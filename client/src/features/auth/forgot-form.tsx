"use client";

import { useTranslations } from "use-intl";
import { SubmittedForm } from "@/components/submitted-form";
import { TextField } from "@/components/ui/text-field";
import { done, paths } from "@/config/paths";
import { api } from "@/lib/api/browser";
import { email } from "@/lib/validation";

/** The form to ask for the letter of a forgotten password. */
export function ForgotForm(props: { problems: string[]; email: string }) {
  const t = useTranslations("Recovery");
  const translateAuth = useTranslations("Auth");
  const translateProblem = useTranslations("Problem");
  return (
    <SubmittedForm
      action={paths.forgotForm}
      next={done(paths.forgot)}
      problems={props.problems}
      request={(values) =>
        api.POST("/api/users/forgot", { body: { email: (values.email ?? "").trim() } })
      }
      submitLabel={t("send")}
      busyLabel={t("sending")}
    >
      <TextField
        name="email"
        label={translateAuth("email")}
        validate={(value) => {
          const problem = email(value);
          return problem && translateProblem(problem);
        }}
        input={{
          defaultValue: props.email,
          inputMode: "email",
          autoComplete: "username",
          autoCapitalize: "none",
          spellCheck: false,
        }}
      />
    </SubmittedForm>
  );
}
