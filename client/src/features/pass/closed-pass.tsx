"use client";

import { useTranslations } from "use-intl";
import { Link } from "@/components/link";
import { buttonStyle } from "@/components/ui/button-style";
import { EmptyState } from "@/components/ui/empty-state";
import { paths } from "@/config/paths";
import type { Pass, Ticket } from "@/lib/api/types";

/** Until a minute after the withdrawal, an order that was placed before may still arrive. */
export type Listing = "listed" | "sold" | "withdrawn";

/** Says why a ticket cannot be opened by this user, now or at all. */
export function ClosedPass(props: {
  ticket: Ticket;
  pass: Pass;
  isSeller: boolean;
  /** What has become of the listing by which this user sells it again. */
  listing: Listing;
}) {
  const t = useTranslations("Pass");
  const { ticket, pass, isSeller } = props;
  const reason = reasonOf(pass, isSeller, props.listing);
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

function reasonOf({ state }: Pass, isSeller: boolean, listing: Listing) {
  if (state === "void") return "void";
  return isSeller ? "seller" : listing;
}
