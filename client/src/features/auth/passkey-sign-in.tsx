"use client";

import { useRouter } from "next/navigation";
import { useTranslations } from "use-intl";
import { Alert } from "@/components/ui/alert";
import { Button } from "@/components/ui/button";
import { api } from "@/lib/api/browser";
import type { Ceremony, User } from "@/lib/api/types";
import { usePasskey } from "@/components/use-passkey";

/** The button to sign in with a passkey: with any one, or with one of the user who has typed the password. */
export function PasskeySignIn(props: {
  next: string;
  ceremony?: Ceremony;
  variant?: "primary" | "secondary";
}) {
  const { next, ceremony, variant = "secondary" } = props;
  const t = useTranslations("Passkeys");
  const router = useRouter();
  const { start, busy, problem } = usePasskey<User>({
    use: "get",
    begin: () => ceremony ?? api.POST("/api/users/signin/passkey/options"),
    finish: (challengeId, credential) =>
      api.POST("/api/users/signin/passkey", { body: { challengeId, credential } }),
    onSuccess: () => {
      router.replace(next);
      router.refresh();
    },
  });
  return (
    <div className="flex flex-col gap-3">
      <Button variant={variant} busy={busy} busyLabel={t("asking")} onClick={() => void start()}>
        {t("signIn")}
      </Button>
      {problem && <Alert tone="bad">{problem}</Alert>}
    </div>
  );
}
