"use client";

import { useRouter } from "next/navigation";
import { useRef, useState } from "react";
import { useTranslations } from "use-intl";
import { DateTime } from "@/components/locale";
import { Alert } from "@/components/ui/alert";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { ConfirmDialog } from "@/components/ui/confirm-dialog";
import { useSubmission } from "@/components/use-submission";
import { paths } from "@/config/paths";
import { api } from "@/lib/api/browser";
import type { Session } from "@/lib/api/types";
import { parseUserAgent } from "./user-agent";

/** The user's sessions, this one first, with buttons to end one or all of them. */
export function SessionList({ sessions }: { sessions: Session[] }) {
  const t = useTranslations("Account");
  const router = useRouter();
  const list = useRef<HTMLUListElement>(null);
  const [hasEnded, setHasEnded] = useState(false);
  const endAll = useSubmission({
    onSuccess: () => {
      router.replace(paths.home);
      router.refresh();
    },
  });
  return (
    <>
      <ul
        ref={list}
        tabIndex={-1}
        aria-labelledby="sessions"
        className="divide-y divide-line overflow-hidden rounded-2xl border border-line bg-card outline-none"
      >
        {sessions
          .toSorted((one, other) => Number(other.current) - Number(one.current))
          .map((session) => (
            <SessionRow
              key={session.id}
              session={session}
              onEnded={() => {
                setHasEnded(true);
                list.current?.focus(); // the button with the focus disappears
              }}
            />
          ))}
      </ul>
      <p role="status" className="sr-only">
        {hasEnded && t("ended")}
      </p>
      <div className="mt-6">
        <ConfirmDialog
          triggerLabel={t("endAll")}
          title={t("endAllTitle")}
          text={t("endAllText")}
          confirmLabel={t("endAll")}
          busyLabel={t("ending")}
          dismissLabel={t("keep")}
          busy={endAll.busy}
          onConfirm={() => void endAll.send("all", () => api.DELETE("/api/users/sessions"))}
        >
          {endAll.problems.map((problem) => (
            <Alert key={problem} tone="bad" className="mt-4">
              {problem}
            </Alert>
          ))}
        </ConfirmDialog>
      </div>
    </>
  );
}

function SessionRow({ session, onEnded }: { session: Session; onEnded: () => void }) {
  const t = useTranslations("Account");
  const router = useRouter();
  const { send, busy, problems } = useSubmission({
    onSuccess: () => {
      onEnded();
      router.refresh();
    },
  });
  const device = useDeviceLabel(session.userAgent);
  return (
    <li className="flex flex-wrap items-center justify-between gap-x-6 gap-y-3 p-5 sm:px-6">
      <div className="min-w-0">
        <h3 className="flex flex-wrap items-center gap-3 text-lg font-semibold wrap-anywhere">
          <span>{device}</span>
          {session.current && <Badge tone="good">{t("current")}</Badge>}
        </h3>
        <p className="mt-1 text-sm text-muted">
          {t("lastUsed")} <DateTime at={session.lastUsedAt} /> · <span>{session.address}</span>
        </p>
      </div>
      {!session.current && (
        <Button
          variant="secondary"
          aria-label={`${t("end")}: ${device}`}
          busy={busy}
          busyLabel={t("ending")}
          onClick={() =>
            void send(session.id, () =>
              api.DELETE("/api/users/sessions/{session_id}", {
                params: { path: { session_id: session.id } },
              }),
            )
          }
        >
          {t("end")}
        </Button>
      )}
      {problems.map((problem) => (
        <Alert key={problem} tone="bad" className="w-full">
          {problem}
        </Alert>
      ))}
    </li>
  );
}

function useDeviceLabel(userAgent: string): string {
  const t = useTranslations("Account");
  const device = parseUserAgent(userAgent);
  if (device === null) return t("unknownDevice");
  return typeof device === "string" ? device : t("device", device);
}
