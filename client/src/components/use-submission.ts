"use client";

import { useRef, useState } from "react";
import { useTranslations } from "use-intl";
import { type ApiResult, toResult, type ApiFailure, isOutcomeUnknown } from "@/lib/api/result";
import { IdempotencyKey } from "@/lib/api/idempotency";
import { errorMessages } from "@/lib/error-messages";

const NONE: Record<string, string> = {};

type ApiCall<T> = (key: string) => Parameters<typeof toResult<T>>[0];

/**
 * Sends one thing at a time, and tells in the reader's words what came of it. `busy` stays true after
 * a success that leaves the page, so that nothing can be pressed on the way out.
 */
export function useSubmission<T>(options: {
  onSuccess: (data: T) => void;
  onFailure?: (failure: ApiFailure) => void;
  staysOnPage?: boolean;
}) {
  const translate = useTranslations("Problem");
  const [busy, setBusy] = useState(false);
  const [fields, setFields] = useState(NONE); // the same object until the next answer, as Form wants
  const [problems, setProblems] = useState<string[]>([]);
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

  return { send, busy, fields, problems };
}
