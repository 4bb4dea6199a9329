"use client";

import { lazy, Suspense, useState } from "react";
import { useTranslations } from "use-intl";
import { TextField } from "./ui/text-field";

const PasswordMeter = lazy(() => import("./password-meter"));

/**
 * A password input with a show/hide button (OWASP Authentication Cheat Sheet). A new password has a meter
 * of its strength.
 */
export function PasswordField(props: {
  name?: string;
  label?: string;
  autoComplete: "current-password" | "new-password";
  hint?: string;
  /** The address of the account, which a new password must not consist of. */
  email?: string;
  validate: (value: string) => string | null;
}) {
  const t = useTranslations("Auth");
  const [shown, setShown] = useState(false);
  const [typed, setTyped] = useState("");
  const isNew = props.autoComplete === "new-password";
  return (
    <TextField
      name={props.name ?? "password"}
      label={props.label ?? t("password")}
      {...(props.hint && { hint: props.hint })}
      validate={props.validate}
      input={{
        type: shown ? "text" : "password",
        autoComplete: props.autoComplete,
        ...(isNew && { onChange: (event) => setTyped(event.currentTarget.value) }),
      }}
      {...(typed !== "" && {
        meter: (
          <Suspense>
            <PasswordMeter password={typed} email={props.email ?? ""} />
          </Suspense>
        ),
      })}
      suffix={
        <button
          type="button"
          aria-label={shown ? t("hidePassword") : t("showPassword")}
          onClick={() => setShown(!shown)}
          className="flex size-11 items-center justify-center rounded-lg text-muted hover:text-ink"
        >
          <Eye open={shown} />
        </button>
      }
    />
  );
}

function Eye({ open }: { open: boolean }) {
  return (
    <svg
      aria-hidden
      width="22"
      height="22"
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.8"
    >
      <path d="M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12Z" />
      <circle cx="12" cy="12" r="3" />
      {open && <path d="M4 20 20 4" />}
    </svg>
  );
}
