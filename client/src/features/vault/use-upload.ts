"use client";

import { useEffect, useRef, useState } from "react";
import { useTranslations } from "use-intl";
import type { ApiFailure } from "@/lib/api/result";
import type { Ticket } from "@/lib/api/types";
import { errorMessages } from "@/lib/error-messages";
import type { ProblemKey } from "@/lib/validation";
import { uploadFile } from "./upload";

/** What a status means for a file. Other failures have the words of every form. */
const PROBLEM_BY_STATUS: Partial<Record<number, ProblemKey>> = {
  408: "fileSlow",
  413: "fileLarge",
  415: "fileType",
};

export interface Upload {
  /** The share that was sent, from 0 to 1, or null if nothing is on its way. */
  progress: number | null;
  problems: string[];
  send: (file: File) => Promise<void>;
  cancel: () => void;
}

/** Sends one file at a time. Leaving the page cancels it. */
export function useUpload(
  ticketId: string,
  handle: { onSuccess: (ticket: Ticket) => void; onFailure: (failure: ApiFailure) => void },
): Upload {
  const translate = useTranslations("Problem");
  const [progress, setProgress] = useState<number | null>(null);
  const [problems, setProblems] = useState<string[]>([]);
  const running = useRef<AbortController | null>(null);
  useEffect(() => () => running.current?.abort(), []);

  async function send(file: File): Promise<void> {
    if (running.current) return;
    const controller = new AbortController();
    running.current = controller;
    setProblems([]);
    setProgress(0);
    const result = await uploadFile(ticketId, file, {
      signal: controller.signal,
      onProgress: setProgress,
    });
    running.current = null;
    setProgress(null);
    if (result.ok) handle.onSuccess(result.data);
    else if (!controller.signal.aborted) {
      setProblems(problemsOf(result));
      handle.onFailure(result);
    }
  }

  function problemsOf(failure: ApiFailure): string[] {
    const key = PROBLEM_BY_STATUS[failure.status];
    if (key) return [translate(key)];
    const { fields, form } = errorMessages(failure, translate);
    return [...Object.values(fields), ...form];
  }

  return { progress, problems, send, cancel: () => running.current?.abort() };
}
