"use client";

import { COPIES, openCopies, removeCopiesOfOthers, setOwner } from "@/lib/offline-copies";

/** What the offline page shows, in the words of the page that saved it. */
export interface OfflineCopy {
  ticketId: string;
  language: string;
  title: string;
  facts: string[];
  brightness: string;
  /** Each code as an SVG document, with its description. */
  codes: { label: string; image: string }[];
}

/** Saves a copy, and the page that shows it. Rejects if this browser cannot. */
export async function saveCopy(userId: string, copy: OfflineCopy): Promise<void> {
  removeCopiesOfOthers(userId);
  setOwner(userId);
  await write((store) => store.put(copy));
  const registration = await navigator.serviceWorker.register("/pass/worker.js", {
    scope: "/pass/",
  });
  await activation(registration);
}

/** Removes the copy of a ticket that its owner can no longer open. */
export async function removeCopy(ticketId: string): Promise<void> {
  await write((store) => store.delete(ticketId));
}

async function write(change: (store: IDBObjectStore) => IDBRequest): Promise<void> {
  const database = await openCopies();
  try {
    await new Promise<void>((resolve, reject) => {
      const transaction = database.transaction(COPIES, "readwrite");
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error ?? new Error("not saved"));
      change(transaction.objectStore(COPIES));
    });
  } finally {
    database.close();
  }
}

function activation({ installing, waiting, active }: ServiceWorkerRegistration): Promise<void> {
  const worker = installing ?? waiting ?? active;
  return new Promise((resolve, reject) => {
    const check = () => {
      if (worker?.state === "activated") resolve();
      if (worker?.state === "redundant") reject(new Error("not installed"));
    };
    worker?.addEventListener("statechange", check);
    check();
  });
}
