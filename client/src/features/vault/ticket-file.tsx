"use client";

import { useRouter } from "next/navigation";
import { lazy, Suspense, useState } from "react";
import { useTranslations } from "use-intl";
import { Alert } from "@/components/ui/alert";
import { paths } from "@/config/paths";
import type { Ticket } from "@/lib/api/types";
import { codesOf, protectionLevel } from "@/lib/protection";
import { codeNames } from "@/lib/symbologies";
import { ChooseFile } from "./choose-file";
import { useUpload } from "./use-upload";

/** Loaded when a file is chosen. */
const SendFile = lazy(() => import("./send-file").then(({ SendFile }) => ({ default: SendFile })));

const UNAUTHORIZED = 401;

/**
 * Where a seller puts the file of a listed ticket into the vault, or replaces it, until somebody reserves it. The
 * file of a ticket that was bought here stays the same.
 */
export function TicketFile({ ticket, wasBought }: { ticket: Ticket; wasBought: boolean }) {
  const t = useTranslations("Upload");
  const router = useRouter();
  const [chosen, setChosen] = useState<File | null>(null);
  const [sent, setSent] = useState<Ticket | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const upload = useUpload(ticket.id, {
    onSuccess: (updated) => {
      setSent(updated);
      setChosen(null);
      router.refresh();
    },
    onFailure: ({ status }) => {
      if (status === UNAUTHORIZED) router.push(paths.signIn(paths.ticket(ticket.id)));
      else if (status > 0 && status < 500) router.refresh();
    },
  });
  const current = sent && sent.version > ticket.version ? sent : ticket;
  const isStored = protectionLevel(current.protection) !== "described";
  const symbologies = codesOf(current.protection);
  return (
    <section aria-labelledby="file" className="mt-10 max-w-xl border-t border-line pt-8">
      <h2 id="file" className="text-2xl font-semibold">
        {t(isStored ? "storedTitle" : "title")}
      </h2>
      <div role="status">{sent && <Alert tone="good" className="mt-4" title={t("done")} />}</div>
      <p className="mt-3">
        {!isStored && t("lead")}
        {isStored &&
          symbologies.length === 0 &&
          t(wasBought ? "boughtWithoutCode" : "storedWithoutCode")}
        {isStored && symbologies.length > 0 && (
          <>
            {t("found", { count: symbologies.length, names: codeNames(symbologies, t) })}{" "}
            {!wasBought && t("replaceable")}
          </>
        )}
      </p>
      {wasBought && <p className="mt-2">{t("bought")}</p>}
      {!isStored && <p className="mt-2 text-muted">{t("whole")}</p>}
      {[...(problem ? [problem] : []), ...upload.problems].map((text) => (
        <Alert key={text} tone="bad" className="mt-4">
          {text}
        </Alert>
      ))}
      {wasBought ? null : chosen ? (
        <Suspense>
          <SendFile
            file={chosen}
            progress={upload.progress}
            onSend={() => void upload.send(chosen)}
            onCancel={upload.progress === null ? () => setChosen(null) : upload.cancel}
          />
        </Suspense>
      ) : (
        <ChooseFile
          isReplacement={isStored}
          onChoose={(file, refusal) => {
            setProblem(refusal);
            setChosen(file);
            setSent(null);
          }}
        />
      )}
      {!wasBought && (
        <noscript>
          <p className="mt-4 font-semibold">{t("needsScript")}</p>
        </noscript>
      )}
    </section>
  );
}
