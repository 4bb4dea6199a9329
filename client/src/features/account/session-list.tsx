"use client";

import { useRouter } from "next/navigation";
import { useTranslations } from "use-intl";
import { Moment } from "@/components/locale";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Confirm } from "@/components/ui/confirm-dialog";
import { Notice } from "@/components/ui/alert";
import { useSubmission } from "@/components/use-submission";
import { paths } from "@/config/paths";
import { api } from "@/lib/api/browser";
import type { Session } from "@/lib/api/types";
import { deviceOf } from "./user-agent";

/** Where somebody is signed in, each place with the means to end it. */
export function Sessions({ sessions }: { sessions: Session[] }) {
  const t = useTranslations("Account");
  const router = useRouter();
  const endAll = useSubmission({
    done: () => {
      router.replace(paths.home);
      router.refresh();
    },
  });
  return (
    <>
      <ul className="divide-y divide-line overflow-hidden rounded-2xl border border-line bg-card">
        {sessions.map((session) => (
          <SessionRow key={session.id} session={session} />
        ))}
      </ul>
      <div className="mt-6">
        <Confirm
          open={t("endAll")}
          title={t("endAllTitle")}
          text={t("endAllText")}
          confirm={t("endAll")}
          busyLabel={t("ending")}
          keep={t("keep")}
          busy={endAll.busy}
          onConfirm={() => void endAll.send("all", () => api.DELETE("/api/users/sessions"))}
        >
          {endAll.problems.map((problem) => (
            <Notice key={problem} tone="bad" className="mt-4">
              {problem}
            </Notice>
          ))}
        </Confirm>
      </div>
    </>
  );
}

function SessionRow({ session }: { session: Session }) {
  const t = useTranslations("Account");
  const router = useRouter();
  const { send, busy, problems } = useSubmission({ done: () => router.refresh() });
  const name = useDeviceName(session.userAgent);
  return (
    <li className="flex flex-wrap items-center justify-between gap-x-6 gap-y-3 p-5 sm:px-6">
      <div className="min-w-0">
        <h3 className="flex flex-wrap items-center gap-3 text-lg font-semibold wrap-anywhere">
          {name}
          {session.current && <Badge tone="good">{t("current")}</Badge>}
        </h3>
        <p className="mt-1 text-sm text-muted">
          {t("lastUsed")} <Moment at={session.lastUsedAt} /> · {session.address}
        </p>
      </div>
      {!session.current && (
        <Button
          look="secondary"
          aria-label={`${t("end")}: ${name}`}
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
        <Notice key={problem} tone="bad" className="w-full">
          {problem}
        </Notice>
      ))}
    </li>
  );
}

function useDeviceName(userAgent: string): string {
  const t = useTranslations("Account");
  const device = deviceOf(userAgent);
  if (device === null) return t("unknownDevice");
  return typeof device === "string" ? device : t("device", device);
}
