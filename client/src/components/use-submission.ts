"use client";

import { useRef, useState } from "react";
import { useTranslations } from "use-intl";
import { type Answer, answerOf, type Refusal, undecided } from "@/lib/api/result";
import { Intent } from "@/lib/api/idempotency";
import { refusalWords } from "@/lib/error-messages";

const NONE: Record<string, string> = {};

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
  const [fields, setFields] = useState(NONE); // the same object until the next answer, as Form wants
  const [problems, setProblems] = useState<string[]>([]);
  const sending = useRef(false);
  const [intent] = useState(() => new Intent());

  async function send(about: unknown, call: Call<T>): Promise<void> {
    if (sending.current) return;
    sending.current = true;
    setBusy(true);
    setProblems([]);
    const answer: Answer<T> = await answerOf<T>(call(intent.key(about)));
    if (!undecided(answer)) intent.settled();
    if (!answer.ok || options.stays) {
      sending.current = false;
      setBusy(false);
    }
    if (answer.ok) {
      setFields(NONE);
      options.done(answer.data);
    } else {
      const told = refusalWords(answer, words);
      setFields(told.fields);
      setProblems(told.form);
      options.refused?.(answer);
    }
  }

  return { send, busy, fields, problems };
}
