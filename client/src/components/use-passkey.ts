"use client";

import { usePathname, useRouter } from "next/navigation";
import { useRef, useState } from "react";
import { useTranslations } from "use-intl";
import { paths } from "@/config/paths";
import { type ApiFailure, needsConfirmation, toResult } from "@/lib/api/result";
import type { Ceremony } from "@/lib/api/types";
import { errorMessages } from "@/lib/error-messages";

type Credential = Record<string, unknown>;
type ApiCall<T> = Parameters<typeof toResult<T>>[0];

/** Asks the browser for a passkey. The library is loaded only when somebody uses one. */
async function askBrowser(use: "create" | "get", options: unknown): Promise<Credential> {
  const { startAuthentication, startRegistration } = await import("@simplewebauthn/browser");
  const optionsJSON = options as never; // the service and the library agree on WebAuthn's JSON
  const credential = await (use === "create"
    ? startRegistration({ optionsJSON })
    : startAuthentication({ optionsJSON }));
  return { ...credential };
}

/**
 * Creates or uses a passkey: gets the options, asks the browser, and sends what it returns. The problem is
 * null, or a text for the user.
 */
export function usePasskey<T>(options: {
  use: "create" | "get";
  begin: () => ApiCall<Ceremony> | Ceremony;
  finish: (challengeId: string, credential: Credential) => ApiCall<T>;
  onSuccess: (data: T) => void;
}) {
  const translate = useTranslations("Problem");
  const router = useRouter();
  const pathname = usePathname();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const isRunning = useRef(false);

  function fail(failure: ApiFailure): void {
    if (needsConfirmation(failure)) router.push(paths.confirm(pathname));
    const { fields, form } = errorMessages(failure, translate);
    setProblem([...form, ...Object.values(fields)].join(" "));
  }

  async function run(): Promise<void> {
    const begun = await begin();
    if (!begun.ok) {
      fail(begun);
      return;
    }
    let credential: Credential;
    try {
      credential = await askBrowser(options.use, begun.data.options);
    } catch (error) {
      const name = error instanceof Error ? error.name : "";
      setProblem(translate(name === "InvalidStateError" ? "passkeyKnown" : "passkeyCancelled"));
      return;
    }
    const result = await toResult<T>(options.finish(begun.data.challengeId, credential));
    if (result.ok) options.onSuccess(result.data);
    else fail(result);
  }

  async function begin() {
    const begun = options.begin();
    if (begun instanceof Promise) return toResult<Ceremony>(begun);
    return { ok: true as const, data: begun };
  }

  async function start(): Promise<void> {
    if (isRunning.current) return;
    isRunning.current = true;
    setBusy(true);
    setProblem(null);
    await run();
    isRunning.current = false;
    setBusy(false);
  }

  return { start, busy, problem };
}
