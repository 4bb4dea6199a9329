"use client";

import { useRouter } from "next/navigation";
import { useEffect, useTransition } from "react";
import { Blank } from "@/components/ui/blank";
import { Button } from "@/components/ui/button";
import { ERROR_WORDS } from "@/i18n/error-words";

/** A page that broke; the frame around it stays. Brings its own words: none may have come. */
export default function ErrorPage({ error, reset }: { error: Error; reset: () => void }) {
  const router = useRouter();
  const [retrying, startTransition] = useTransition();
  useEffect(() => {
    console.error(error);
  }, [error]);

  function retry() {
    startTransition(() => {
      router.refresh(); // what broke was most likely rendered on the server
      reset();
    });
  }

  const german = typeof document !== "undefined" && document.documentElement.lang === "de";
  const words = ERROR_WORDS[german ? "de" : "en"];
  return (
    <div role="alert">
      <Blank
        heading="h1"
        title={words.title}
        action={
          <Button busy={retrying} onClick={retry}>
            {words.retry}
          </Button>
        }
      >
        {words.text}
      </Blank>
    </div>
  );
}
