"use client";

import { useEffect } from "react";
import { Blank } from "@/components/ui/blank";
import { Button } from "@/components/ui/button";
import { Trouble as de } from "../../messages/de.json";
import { Trouble as en } from "../../messages/en.json";

/** A page that broke; the frame around it stays. Brings its own words: none may have come. */
export default function ErrorPage({ error, reset }: { error: Error; reset: () => void }) {
  useEffect(() => {
    console.error(error);
  }, [error]);
  const german = typeof document !== "undefined" && document.documentElement.lang === "de";
  const words = german ? de : en;
  return (
    <div role="alert">
      <Blank
        heading="h1"
        title={words.errorTitle}
        action={<Button onClick={reset}>{words.retry}</Button>}
      >
        {words.errorText}
      </Blank>
    </div>
  );
}
