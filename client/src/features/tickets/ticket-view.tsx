"use client";

import { useState } from "react";
import { useTranslations } from "use-intl";
import { Link } from "@/components/link";
import { DateTime, Price, useFormattingLocale } from "@/components/locale";
import { buttonStyle } from "@/components/ui/button-style";
import { paths } from "@/config/paths";
import type { Ticket } from "@/lib/api/types";
import { cn } from "@/lib/cn";
import { useLive } from "@/lib/live/use-live";
import { formatPrice } from "@/lib/money";
import { BuyButton } from "./buy-button";
import { EditTicket } from "./edit-ticket";
import { refetchTickets } from "./refetch-tickets";
import { stubTint } from "./stub-tint";

/** The user's relation to a ticket. */
export type Viewer = "anonymous" | "seller" | "buyer" | "other";

export function TicketView(props: { ticket: Ticket; viewer: Viewer }) {
  const t = useTranslations("Ticket");
  const [ticket = props.ticket] = useLive({
    items: [props.ticket],
    stream: "/api/tickets/events",
    event: "ticket",
    needsSession: false,
    refetch: refetchTickets,
  });
  const announcement = useStatusAnnouncement(ticket);
  return (
    <>
      <article className="mt-4 ticket-shadow">
        <div className="grid md:min-h-72 md:grid-cols-[1fr_21rem]">
          <div className="ticket-top bg-card p-6 sm:p-10 md:ticket-left">
            <h1 className="text-3xl leading-tight font-bold text-pretty wrap-anywhere sm:text-5xl">
              {ticket.title}
            </h1>
            <p className="mt-6 text-muted">
              {t("listedOn")} <DateTime at={ticket.createdAt} />
            </p>
          </div>
          <div
            className={cn(
              "flex flex-col justify-center gap-5 ticket-bottom p-6 md:ticket-right md:p-8",
              "border-dashed border-paper max-md:border-t-2 md:border-l-2",
              ticket.status === "available" ? stubTint(ticket.id) : "bg-well",
            )}
          >
            <p className="font-display text-4xl font-bold wrap-anywhere tabular-nums">
              <span className="sr-only">{t("price")} </span>
              <Price amount={ticket.price} />
            </p>
            <TicketActions ticket={ticket} viewer={props.viewer} />
          </div>
        </div>
      </article>
      <p role="status" className="sr-only">
        {announcement}
      </p>
      {props.viewer === "seller" && <EditTicket ticket={ticket} />}
    </>
  );
}

/** The action that the viewer can take now, or the reason why there is none. */
function TicketActions({ ticket, viewer }: { ticket: Ticket; viewer: Viewer }) {
  const t = useTranslations("Ticket");
  const [ordering, setOrdering] = useState(false);
  const locale = useFormattingLocale();
  if (viewer === "seller") {
    const hint = { available: t("onSale"), reserved: t("lockedReserved"), sold: t("lockedSold") };
    return (
      <>
        <StatusText title={t("yours")} hint={hint[ticket.status]} />
        {ticket.lateEdit && (
          <p className="text-sm" suppressHydrationWarning>
            {t(ticket.status === "sold" ? "lateEditSold" : "lateEditReserved", {
              title: ticket.lateEdit.title,
              price: formatPrice(ticket.lateEdit.price, locale),
            })}
          </p>
        )}
      </>
    );
  }
  if (viewer === "buyer" && ticket.status !== "available" && ticket.orderId) {
    return (
      <>
        <StatusText title={ticket.status === "sold" ? t("yourPurchase") : t("yourOrder")} />
        <Link href={paths.order(ticket.orderId)} className={buttonStyle()}>
          {t("goToOrder")}
        </Link>
      </>
    );
  }
  // The stream reports the viewer's own reservation too, often before the order's response arrives.
  if (ticket.status === "reserved" && !ordering) {
    return <StatusText title={t("reserved")} hint={t("reservedHint")} />;
  }
  if (ticket.status === "sold") {
    return (
      <>
        <StatusText title={t("sold")} hint={t("soldHint")} />
        <Link href={paths.home} className={buttonStyle("secondary")}>
          {t("browse")}
        </Link>
      </>
    );
  }
  if (viewer === "anonymous") {
    return (
      <Link
        href={paths.signIn(paths.ticket(ticket.id))}
        className={buttonStyle("primary", "min-h-13")}
      >
        {t("signInToBuy")}
      </Link>
    );
  }
  return (
    <>
      <BuyButton ticket={ticket} onOrderingChange={setOrdering} />
      <p className="text-sm">{t("buyHint")}</p>
    </>
  );
}

function StatusText({ title, hint }: { title: string; hint?: string | null }) {
  return (
    <div>
      <p className="text-lg leading-snug font-semibold">{title}</p>
      {hint && <p className="mt-2 text-sm">{hint}</p>}
    </div>
  );
}

/** Returns the text that screen readers announce after a status change on the open page. */
function useStatusAnnouncement({ status }: Ticket): string {
  const t = useTranslations("Ticket");
  const [previous, setPrevious] = useState(status);
  const [hasChanged, setHasChanged] = useState(false);
  if (status !== previous) {
    setPrevious(status);
    setHasChanged(true);
  }
  if (!hasChanged) return "";
  return { available: t("nowAvailable"), reserved: t("nowReserved"), sold: t("nowSold") }[status];
}
