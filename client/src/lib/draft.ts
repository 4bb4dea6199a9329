"use client";

const storageKey = (name: string) => `draft:${name}`;

/** Reads what was typed into a form in this tab and not sent yet. */
export function readDraft(name: string): unknown {
  try {
    return JSON.parse(sessionStorage.getItem(storageKey(name)) ?? "null");
  } catch {
    return null; // on the server, or storage is blocked
  }
}

/** Stores a draft in this tab, or deletes it. */
export function writeDraft(name: string, draft: object | null): void {
  try {
    if (draft) sessionStorage.setItem(storageKey(name), JSON.stringify(draft));
    else sessionStorage.removeItem(storageKey(name));
  } catch {
    // storage is blocked or full: the draft lasts as long as the page
  }
}
