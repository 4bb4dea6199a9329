"use client";

import { usePathname, useRouter } from "next/navigation";
import { useState } from "react";
import { useTranslations } from "use-intl";
import { Alert } from "@/components/ui/alert";
import { Button } from "@/components/ui/button";
import { useSubmission } from "@/components/use-submission";
import { paths } from "@/config/paths";
import { api } from "@/lib/api/browser";
import { needsConfirmation } from "@/lib/api/result";

/** Makes new recovery codes, and shows them for the only time. */
export function RecoveryCodes({ left }: { left: number }) {
  const t = useTranslations("Passkeys");
  const router = useRouter();
  const pathname = usePathname();
  const [codes, setCodes] = useState<string[]>([]);
  const { send, busy, problems } = useSubmission<{ codes: string[] }>({
    staysOnPage: true,
    onSuccess: (data) => setCodes(data.codes),
    onFailure: (failure) => {
      if (needsConfirmation(failure)) router.push(paths.confirm(pathname));
    },
  });
  return (
    <div className="mt-4 flex flex-col items-start gap-4">
      {codes.length > 0 ? (
        <Alert tone="good" title={t("codesTitle")} className="w-full">
          <p>{t("codesText")}</p>
          <ul className="mt-3 grid gap-x-8 gap-y-1 font-mono sm:grid-cols-2" translate="no">
            {codes.map((code) => (
              <li key={code}>{code}</li>
            ))}
          </ul>
        </Alert>
      ) : (
        <p className="text-muted">{t("codesLeft", { count: left })}</p>
      )}
      <Button
        variant="secondary"
        busy={busy}
        busyLabel={t("makingCodes")}
        onClick={() => void send("codes", () => api.POST("/api/users/recovery-codes"))}
      >
        {left > 0 || codes.length > 0 ? t("newCodes") : t("makeCodes")}
      </Button>
      {problems.map((problem) => (
        <Alert key={problem} tone="bad">
          {problem}
        </Alert>
      ))}
    </div>
  );
}
