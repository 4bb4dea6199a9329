"use client";

import { useRouter } from "next/navigation";
import { useTranslations } from "use-intl";
import { Alert } from "@/components/ui/alert";
import { Button } from "@/components/ui/button";
import { api } from "@/lib/api/browser";
import type { Ceremony, User } from "@/lib/api/types";
import { usePasskey } from "@/components/use-passkey";

/**
 * The button to use a passkey: to sign in with any one, as the second step after the password, or to confirm
 * who uses a session.
 */
export function PasskeySignIn(props: {
  next: string;
  ceremony?: Ceremony;
  confirms?: boolean;
  variant?: "primary" | "secondary";
}) {
  const { next, ceremony, confirms = false, variant = "secondary" } = props;
  const t = useTranslations("Passkeys");
  const router = useRouter();
  const { start, busy, problem } = usePasskey<User>({
    use: "get",
    begin: () => ceremony ?? api.POST("/api/users/signin/passkey/options"),
    finish: (challengeId, credential) => {
      const body = { challengeId, credential };
      return confirms
        ? api.POST("/api/users/reauthenticate", { body })
        : api.POST("/api/users/signin/passkey", { body });
    },
    onSuccess: () => {
      router.replace(next);
      router.refresh();
    },
  });
  return (
    <div className="flex flex-col gap-3">
      <Button variant={variant} busy={busy} busyLabel={t("asking")} onClick={() => void start()}>
        {confirms || ceremony ? t("confirm") : t("signIn")}
      </Button>
      {problem && <Alert tone="bad">{problem}</Alert>}
    </div>
  );
}
