"use client";

import { useRouter } from "next/navigation";
import { useEffect, useSyncExternalStore, useTransition } from "react";
import { EmptyState } from "@/components/ui/empty-state";
import { Button } from "@/components/ui/button";
import { ERROR_PAGE_MESSAGES } from "@/i18n/error-page-messages";
import { LANGUAGES, type Language } from "@/i18n/locales";

const subscribeToNothing = () => () => undefined;

/** The language that the frame is in; it may only come with this page, so the first look is too early. */
function usePageLanguage(): Language {
  return useSyncExternalStore(
    subscribeToNothing,
    () => LANGUAGES.find((each) => each === document.documentElement.lang) ?? "en",
    () => "en",
  );
}

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

  const messages = ERROR_PAGE_MESSAGES[usePageLanguage()];
  return (
    <div role="alert">
      <EmptyState
        heading="h1"
        title={messages.title}
        action={
          <Button busy={retrying} onClick={retry}>
            {messages.retry}
          </Button>
        }
      >
        {messages.text}
      </EmptyState>
    </div>
  );
}
