"use client";

import { useTranslations } from "use-intl";
import { Link } from "@/components/link";
import { paths } from "@/config/paths";
import type { Protection } from "@/lib/api/types";
import { cn } from "@/lib/cn";
import { codesOf, protectionLevel } from "@/lib/protection";
import { ProtectionMark } from "./protection-mark";

/** What is known about a ticket, in words that promise no more than that. */
export function ProtectionNote(props: {
  protection: Protection | null | undefined;
  className?: string;
}) {
  const t = useTranslations("Protection");
  const level = protectionLevel(props.protection);
  const hasNoCode = level !== "described" && codesOf(props.protection).length === 0;
  return (
    <section aria-label={t("title")} className={cn("flex gap-3", props.className)}>
      <ProtectionMark level={level} className="mt-0.5 size-6" />
      <div className="min-w-0">
        <p className="font-semibold">{t(level)}</p>
        <p className="max-w-prose text-sm">
          {t(`${level}Text`)} {hasNoCode && `${t("noCode")} `}
          <Link href={paths.helpOnProtection} className="underline underline-offset-4 print:hidden">
            {t("learnMore")}
          </Link>
        </p>
      </div>
    </section>
  );
}
