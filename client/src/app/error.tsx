"use client";

import { useRouter } from "next/navigation";
import { useEffect, useSyncExternalStore, useTransition } from "react";
import { Button } from "@/components/ui/button";
import { EmptyState } from "@/components/ui/empty-state";
import { ERROR_PAGE_MESSAGES } from "@/i18n/error-page-messages";
import { type Language, LANGUAGES } from "@/i18n/locales";

const subscribeToNothing = () => () => undefined;

/**
 * Returns the language of the document, or English until the document has loaded. After an error of the
 * server, the layout with the language is rendered together with this page, so it is read again afterwards.
 */
function usePageLanguage(): Language {
  return useSyncExternalStore(
    subscribeToNothing,
    () => LANGUAGES.find((each) => each === document.documentElement.lang) ?? "en",
    () => "en",
  );
}

/** The error page. It brings its own messages, because the provider may not have rendered. */
export default function ErrorPage({ error, reset }: { error: Error; reset: () => void }) {
  const router = useRouter();
  const [retrying, startTransition] = useTransition();
  useEffect(() => {
    console.error(error);
  }, [error]);

  function retry() {
    startTransition(() => {
      router.refresh(); // most errors come from the server's part of the page
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
