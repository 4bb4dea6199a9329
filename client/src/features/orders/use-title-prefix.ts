"use client";

import { useLayoutEffect } from "react";

/** Shows a text before the page's title in the browser's tab, as long as it is not null. */
export function useTitlePrefix(prefix: string | null): void {
  useLayoutEffect(() => {
    if (prefix === null) return;
    const title = document.title;
    const prefixed = `${prefix} · ${title}`;
    document.title = prefixed;
    return () => {
      if (document.title === prefixed) document.title = title; // unless the next page has set its own
    };
  }, [prefix]);
}
