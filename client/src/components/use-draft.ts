"use client";

import { useState, useSyncExternalStore } from "react";
import { readDraft, writeDraft } from "@/lib/draft";

const subscribeToNothing = () => () => undefined;

/**
 * Keeps what is typed into a form, so that a reload, another language or a new sign-in does not lose it.
 * `isRestored` is true if the page was opened with a draft: use it in the form's key, because the server
 * rendered the form without it.
 */
export function useDraft<T extends object>(name: string) {
  const [restored] = useState(() => readDraft(name) as T | null);
  const [draft, setDraft] = useState(restored);
  const isHydrated = useSyncExternalStore(
    subscribeToNothing,
    () => true,
    () => false,
  );

  function saveDraft(next: T | null) {
    writeDraft(name, next);
    setDraft(next);
  }

  return {
    draft: isHydrated ? draft : null,
    isRestored: isHydrated && restored !== null,
    saveDraft,
  };
}
