"use client";

import { useState } from "react";
import { readDraft, writeDraft } from "@/lib/draft";
import { useIsHydrating } from "./use-is-hydrating";

/**
 * Keeps what is typed into a form, so that a reload, another language or a new sign-in does not lose it.
 * `isRestored` is true if the page was opened with a draft: use it in the form's key, because the server
 * rendered the form without it.
 */
export function useDraft<T extends object>(name: string) {
  const [restored] = useState(() => readDraft(name) as T | null);
  const [draft, setDraft] = useState(restored);
  const isHydrating = useIsHydrating();

  function saveDraft(next: T | null) {
    writeDraft(name, next);
    setDraft(next);
  }

  return {
    draft: isHydrating ? null : draft,
    isRestored: !isHydrating && restored !== null,
    saveDraft,
  };
}
