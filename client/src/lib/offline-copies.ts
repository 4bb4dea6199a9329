"use client";

/** Codes that this browser has saved for when there is no network. The page that shows them is public/pass/offline.html. */
export const COPIES = "passes";

const OWNER_KEY = "passes-of";

export function openCopies(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(COPIES, 1);
    request.onupgradeneeded = () =>
      request.result.createObjectStore(COPIES, { keyPath: "ticketId" });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("no database"));
  });
}

/** Records whose copies these are, before the first one is saved. */
export function setOwner(userId: string): void {
  localStorage.setItem(OWNER_KEY, userId);
}

/** Removes all copies unless they are this user's: after a session ended here or elsewhere, and for the next user. */
export function removeCopiesOfOthers(userId: string | null): void {
  try {
    const owner = localStorage.getItem(OWNER_KEY);
    if (owner === null || owner === userId) return;
    indexedDB.deleteDatabase(COPIES);
    localStorage.removeItem(OWNER_KEY);
  } catch {
    // This browser blocks storage, so it has saved nothing.
  }
}
