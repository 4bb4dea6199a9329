"use client";

import { useTranslations } from "use-intl";
import { Link } from "@/components/link";
import { buttonStyle } from "@/components/ui/button-style";
import { EmptyState } from "@/components/ui/empty-state";
import { paths } from "@/config/paths";
import type { Pass, Ticket } from "@/lib/api/types";

/** Says why a ticket cannot be opened by this user, now or at all. */
export function ClosedPass(props: {
  ticket: Ticket;
  pass: Pass;
  isSeller: boolean;
  /** Whether this user has sold it again. */
  isResold: boolean;
}) {
  const t = useTranslations("Pass");
  const { ticket, pass, isSeller } = props;
  const reason = reasonOf(pass, isSeller, props.isResold);
  const listing = pass.listedAgainAs ?? (isSeller ? ticket.id : null);
  return (
    <EmptyState
      heading="h1"
      title={t(`${reason}Title`)}
      action={
        listing && (
          <Link href={paths.ticket(listing)} className={buttonStyle("secondary")}>
            {t("toListing")}
          </Link>
        )
      }
    >
      {t(`${reason}Text`)}
    </EmptyState>
  );
}

function reasonOf({ state }: Pass, isSeller: boolean, isResold: boolean) {
  if (state === "void") return "void";
  if (isSeller) return "seller";
  return isResold ? "sold" : "listed";
}
