"use client";

import { useRouter } from "next/navigation";
import { useCallback, useEffect, useState } from "react";
import { useTranslations } from "use-intl";
import { Alert } from "@/components/ui/alert";
import { Button } from "@/components/ui/button";
import { paths } from "@/config/paths";
import { api } from "@/lib/api/browser";
import { toResult } from "@/lib/api/result";

/** Ends the session when mounted, then navigates to the home page. */
export function SignOut() {
  const t = useTranslations("Auth");
  const router = useRouter();
  const [failed, setFailed] = useState(false);

  const signOut = useCallback(async () => {
    const result = await toResult(api.POST("/api/users/signout"));
    if (result.ok) {
      router.replace(paths.home);
      router.refresh();
    } else setFailed(true);
  }, [router]);

  useEffect(() => {
    const timer = setTimeout(() => void signOut());
    return () => clearTimeout(timer);
  }, [signOut]);

  if (!failed) {
    return (
      <h1 role="status" className="py-24 text-center text-3xl font-semibold">
        {t("signOutTitle")}
      </h1>
    );
  }
  return (
    <div className="mx-auto max-w-md py-20">
      <h1 className="mb-6 text-3xl font-semibold">{t("signOutFailed")}</h1>
      <Alert tone="bad">{t("signOutFailedText")}</Alert>
      <Button
        className="mt-6"
        onClick={() => {
          setFailed(false);
          void signOut();
        }}
      >
        {t("retry")}
      </Button>
    </div>
  );
}
