"use client";

import { useRouter } from "next/navigation";
import { lazy, Suspense, useState } from "react";
import { useLocale, useTranslations } from "use-intl";
import { TermsNote } from "@/components/terms-note";
import { Alert } from "@/components/ui/alert";
import { Button } from "@/components/ui/button";
import { Form } from "@/components/ui/form";
import { TextField } from "@/components/ui/text-field";
import { useSubmission } from "@/components/use-submission";
import { paths } from "@/config/paths";
import { api } from "@/lib/api/browser";
import type { Ceremony, User } from "@/lib/api/types";
import { guessableProblem } from "@/lib/password/guessable";
import { email, newPassword, password, type ProblemKey } from "@/lib/validation";
import { PasswordField } from "@/components/password-field";

/** Loaded only for an account that asks for it. */
const SecondStep = lazy(() =>
  import("./second-step").then((module) => ({ default: module.SecondStep })),
);

interface Credentials {
  email: string;
  password: string;
}

/**
 * The form to sign in or to create an account. Both have the same fields, but other validation. Before its
 * script has loaded, the browser posts it to a route that returns here with the `problems`.
 */
export function CredentialsForm(props: {
  purpose: "signIn" | "signUp";
  next: string;
  problems: string[];
  email: string;
}) {
  const { purpose, next } = props;
  const t = useTranslations("Auth");
  const translateProblem = useTranslations("Problem");
  const router = useRouter();
  const language = useLocale() === "de" ? "de" : "en";
  const isNew = purpose === "signUp";
  const [ceremony, setCeremony] = useState<Ceremony | null>(null);
  const { send, busy, fields, problems } = useSubmission<User | Ceremony>({
    problems: props.problems,
    onSuccess: (data) => {
      if ("challengeId" in data) {
        setCeremony(data);
        return;
      }
      router.replace(next);
      router.refresh(); // re-renders the menu for the signed-in user
    },
  });
  const problemText = (key: ProblemKey | null) => (key ? translateProblem(key) : null);

  function submit({ email = "", password = "" }: Record<string, string>) {
    const body = { email: email.trim(), password };
    void send(body, () => (isNew ? signUp(body) : api.POST("/api/users/signin", { body })));
  }

  /** Creates an account, unless the password is easy to guess: the API only warns of such a one. */
  async function signUp(body: Credentials) {
    const problem = await guessableProblem(body.password, body.email).catch(() => null);
    if (problem === null) return api.POST("/api/users/signup", { body: { ...body, language } });
    const error = { errors: [{ message: problem, field: "password" }] };
    return { error, response: new Response(null, { status: 400 }) };
  }

  if (ceremony) {
    const { challengeId } = ceremony;
    return (
      <Suspense>
        <SecondStep challengeId={challengeId} ceremony={ceremony} next={next} problems={[]} />
      </Suspense>
    );
  }
  return (
    <Form
      method="post"
      action={isNew ? paths.signUpForm : paths.signInForm}
      className="flex flex-col gap-5"
      errors={fields}
      onFormSubmit={submit}
    >
      <input type="hidden" name="next" value={next} />
      {problems.map((problem) => (
        <Alert key={problem} tone="bad">
          {problem}
        </Alert>
      ))}
      <TextField
        name="email"
        label={t("email")}
        validate={(value) => problemText(email(value))}
        input={{
          defaultValue: props.email,
          inputMode: "email",
          autoComplete: isNew ? "email" : "username",
          autoCapitalize: "none",
          spellCheck: false,
        }}
      />
      <PasswordField
        autoComplete={isNew ? "new-password" : "current-password"}
        {...(isNew && { hint: t("passwordHint") })}
        validate={(value) => problemText((isNew ? newPassword : password)(value))}
      />
      <Button
        type="submit"
        className="mt-2"
        busy={busy}
        busyLabel={isNew ? t("signingUp") : t("signingIn")}
      >
        {isNew ? t("signUp") : t("signIn")}
      </Button>
      {isNew && <TermsNote action="signUp" className="text-muted" />}
    </Form>
  );
}
