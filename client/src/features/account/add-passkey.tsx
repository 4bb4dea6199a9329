"use client";

import { useRouter } from "next/navigation";
import { useRef } from "react";
import { useTranslations } from "use-intl";
import { Alert } from "@/components/ui/alert";
import { Button } from "@/components/ui/button";
import { inputStyle } from "@/components/ui/input-style";
import { parseUserAgent } from "./user-agent";
import { done, paths } from "@/config/paths";
import { api } from "@/lib/api/browser";
import type { Passkey } from "@/lib/api/types";
import { usePasskey } from "@/components/use-passkey";

const MAX_NAME_LENGTH = 60;

/** Adds a passkey under a name, which is by default that of the browser and its system. */
export function AddPasskey() {
  const t = useTranslations("Passkeys");
  const router = useRouter();
  const name = useRef<HTMLInputElement>(null);
  const { start, busy, problem } = usePasskey<Passkey>({
    use: "create",
    begin: () => api.POST("/api/users/passkeys/options"),
    finish: (challengeId, credential) =>
      api.POST("/api/users/passkeys", {
        body: { challengeId, credential, name: chosenName(name.current?.value.trim()) },
      }),
    onSuccess: () => {
      router.replace(done(paths.passkeys));
      router.refresh();
    },
  });
  return (
    <div className="mt-6 flex flex-col gap-3">
      <label htmlFor="passkey-name" className="font-semibold">
        {t("name")}
      </label>
      <div className="flex flex-wrap gap-3">
        <input
          ref={name}
          id="passkey-name"
          maxLength={MAX_NAME_LENGTH}
          placeholder={t("nameExample")}
          className={`${inputStyle} max-w-80`}
        />
        <Button busy={busy} busyLabel={t("asking")} onClick={() => void start()}>
          {t("add")}
        </Button>
      </div>
      {problem && <Alert tone="bad">{problem}</Alert>}
    </div>
  );
}

function chosenName(typed = ""): string {
  if (typed !== "") return typed;
  const device = parseUserAgent(navigator.userAgent);
  if (device === null) return "Passkey";
  return typeof device === "string" ? device : `${device.browser}, ${device.system}`;
}
