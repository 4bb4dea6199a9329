"use client";

import { useEffect, useState } from "react";
import { api } from "@/lib/api/browser";
import { type OfflineCopy, saveCopy } from "./offline-copy";

export type SaveState = "saving" | "saved" | "notSaved";

/** Saves the codes of an opened ticket on this device, once per visit of its page. */
export function useOfflineCopy(
  userId: string,
  copy: Omit<OfflineCopy, "codes">,
  labels: string[],
): SaveState {
  const [state, setState] = useState<SaveState>("saving");
  const content = JSON.stringify([copy, labels]); // the same text after each rendering
  useEffect(() => {
    async function save() {
      const [facts, names] = JSON.parse(content) as [typeof copy, string[]];
      const codes = await Promise.all(
        names.map(async (label, index) => ({
          label,
          image: await fetchCode(facts.ticketId, index),
        })),
      );
      await saveCopy(userId, { ...facts, codes });
    }
    save().then(
      () => setState("saved"),
      () => setState("notSaved"),
    );
  }, [userId, content]);
  return state;
}

async function fetchCode(ticketId: string, code: number): Promise<string> {
  const { data } = await api.GET("/api/tickets/{ticket_id}/pass/qr.svg", {
    params: { path: { ticket_id: ticketId }, query: { code } },
    parseAs: "text",
  });
  if (data === undefined) throw new Error("no code");
  return data;
}
