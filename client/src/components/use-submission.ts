"use client";

import { useRef, useState } from "react";
import { useTranslations } from "use-intl";
import { IdempotencyKey } from "@/lib/api/idempotency";
import { type ApiFailure, type ApiResult, isOutcomeUnknown, toResult } from "@/lib/api/result";
import { errorMessages } from "@/lib/error-messages";

const NONE: Record<string, string> = {};

type ApiCall<T> = (key: string) => Parameters<typeof toResult<T>>[0];

/**
 * Sends one request at a time and translates its errors. `busy` stays true after a success that
 * navigates away, so that the form cannot be submitted again before the next page appears.
 */
export function useSubmission<T>(options: {
  onSuccess: (data: T) => void;
  onFailure?: (failure: ApiFailure) => void;
  staysOnPage?: boolean;
  /** The problems of the same form when it was submitted without script. */
  problems?: string[];
}) {
  const translate = useTranslations("Problem");
  const [busy, setBusy] = useState(false);
  const [fields, setFields] = useState(NONE); // stable identity: Form resets on a new object
  const [problems, setProblems] = useState(options.problems ?? []);
  const isSending = useRef(false);
  const [idempotencyKey] = useState(() => new IdempotencyKey());

  async function send(body: unknown, request: ApiCall<T>): Promise<void> {
    if (isSending.current) return;
    isSending.current = true;
    setBusy(true);
    setProblems([]);
    const result: ApiResult<T> = await toResult<T>(request(idempotencyKey.for(body)));
    if (!isOutcomeUnknown(result)) idempotencyKey.reset();
    if (!result.ok || options.staysOnPage) {
      isSending.current = false;
      setBusy(false);
    }
    if (result.ok) {
      setFields(NONE);
      options.onSuccess(result.data);
    } else {
      const messages = errorMessages(result, translate);
      setFields(messages.fields);
      setProblems(messages.form);
      options.onFailure?.(result);
    }
  }

  /** Removes the API's errors, of which another field's change may remove the cause. */
  function clearFields(): void {
    setFields(NONE);
  }

  return { send, busy, fields, problems, clearFields };
}
