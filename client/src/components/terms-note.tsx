"use client";

import type { ReactNode } from "react";
import { useTranslations } from "use-intl";
import { paths } from "@/config/paths";
import { cn } from "@/lib/cn";

/** Says at a button that binds what applies. The links open a new tab, so that nothing typed is lost. */
export function TermsNote(props: {
  action: "signUp" | "list" | "reserve" | "pay";
  className?: string;
}) {
  const t = useTranslations("Legal");
  return (
    <p className={cn("text-sm", props.className)}>
      {t.rich(props.action, {
        terms: (text) => <NewTabLink href={paths.terms}>{text}</NewTabLink>,
        privacy: (text) => <NewTabLink href={paths.privacy}>{text}</NewTabLink>,
      })}
    </p>
  );
}

function NewTabLink({ href, children }: { href: string; children: ReactNode }) {
  const t = useTranslations("Legal");
  return (
    <a href={href} target="_blank" className="underline underline-offset-4">
      {children}
      <span className="sr-only"> {t("newTab")}</span>
    </a>
  );
}
