"use client";

import { useEffect } from "react";
import { BackLink } from "@/components/back-link";
import { useIsHydrating } from "@/components/use-is-hydrating";
import { paths } from "@/config/paths";

const KEY = "last-search";

/** Remembers the list's address for this tab, with its search and page. */
export function RememberSearch({ href }: { href: string }) {
  useEffect(() => {
    try {
      sessionStorage.setItem(KEY, href);
    } catch {
      // The visitor has blocked storage: the link leads to the first page.
    }
  }, [href]);
  return null;
}

/** The link back to the list of tickets, as this tab has shown it last. */
export function BackToTickets({ children }: { children: string }) {
  const href = useIsHydrating() ? paths.home : lastSearch();
  return <BackLink href={href}>{children}</BackLink>;
}

function lastSearch(): string {
  try {
    return sessionStorage.getItem(KEY) ?? paths.home;
  } catch {
    return paths.home;
  }
}
