"use client";

import { useRef, useState } from "react";
import { useTranslations } from "use-intl";
import { type Answer, answerOf, type Refusal, unavailable } from "@/lib/api/answer";
import { Intent } from "@/lib/api/idempotency";
import { refusalWords } from "@/lib/problem-words";

type Call<T> = (key: string) => Parameters<typeof answerOf<T>>[0];

/**
 * Sends one thing at a time, and tells in the reader's words what came of it. `busy` stays true after
 * a success that leaves the page, so that nothing can be pressed on the way out.
 */
export function useSubmission<T>(options: {
  done: (data: T) => void;
  refused?: (refusal: Refusal) => void;
  stays?: boolean;
}) {
  const words = useTranslations("Problem");
  const [busy, setBusy] = useState(false);
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const sending = useRef(false);
  const [intent] = useState(() => new Intent());

  async function send(about: unknown, call: Call<T>): Promise<void> {
    if (sending.current) return;
    sending.current = true;
    setBusy(true);
    setRefusal(null);
    const answer: Answer<T> = await answerOf<T>(call(intent.key(about)));
    if (!unavailable(answer)) intent.settled();
    if (!answer.ok || options.stays) {
      sending.current = false;
      setBusy(false);
    }
    if (answer.ok) options.done(answer.data);
    else {
      setRefusal(answer);
      options.refused?.(answer);
    }
  }

  const told = refusal ? refusalWords(refusal, words) : { fields: {}, form: [] };
  return { send, busy, fields: told.fields, problems: told.form };
}
