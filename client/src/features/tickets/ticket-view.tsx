"use client";

import { type ReactNode, useState } from "react";
import { useTranslations } from "use-intl";
import { Link } from "@/components/link";
import { DateTime, Price, useFormattingLocale } from "@/components/locale";
import { ProtectionNote } from "@/components/protection/protection-note";
import { VerifiedSeller } from "@/components/protection/verified-seller";
import { ShowFacts } from "@/components/show/show-facts";
import { paths } from "@/config/paths";
import type { Ticket } from "@/lib/api/types";
import { cn } from "@/lib/cn";
import { useLive } from "@/lib/live/use-live";
import { formatPrice } from "@/lib/money";
import { EditTicket } from "./edit-ticket";
import { refetchTickets } from "./refetch-tickets";
import { stubTint } from "./stub-tint";
import { TicketActions, type Viewer } from "./ticket-actions";
import { UNSET_FIELDS } from "./unset-fields";

export function TicketView(props: {
  ticket: Ticket;
  viewer: Viewer;
  poster: ReactNode;
  /** Where its seller adds the file. */
  file: ReactNode;
}) {
  const t = useTranslations("Ticket");
  const [ticket = props.ticket] = useLive({
    items: [props.ticket],
    stream: "/api/tickets/events",
    event: "ticket",
    needsSession: false,
    defaults: UNSET_FIELDS,
    refetch: refetchTickets,
  });
  const announcement = useStatusAnnouncement(ticket);
  const isSeller = props.viewer.kind === "seller";
  const priceChange = usePriceChange(ticket.price, !isSeller);
  return (
    <>
      <article className="mt-4 ticket-shadow">
        <div className="grid md:min-h-72 md:grid-cols-[1fr_21rem]">
          <div className="ticket-top bg-card p-6 sm:p-10 md:ticket-left">
            <h1
              dir="auto"
              className="text-3xl leading-tight font-bold text-pretty wrap-anywhere sm:text-5xl"
            >
              {ticket.title}
            </h1>
            <ShowFacts show={ticket.show} seat={ticket.seat} className="mt-6" />
            {ticket.show && (
              <ShowLink id={ticket.show.id} name={ticket.show.name} poster={props.poster} />
            )}
            <ProtectionNote protection={ticket.protection} className="mt-6" />
            {ticket.sellerVerified && <VerifiedSeller />}
            <p className="mt-6 text-muted">
              {t("listedOn")} <DateTime at={ticket.createdAt} />
            </p>
          </div>
          <div
            className={cn(
              "flex flex-col justify-center gap-5 ticket-bottom p-6 md:ticket-right md:p-8",
              "border-dashed border-paper max-md:border-t-2 md:border-l-2",
              ticket.status === "available" && !ticket.withdrawn ? stubTint(ticket.id) : "bg-well",
            )}
          >
            <p className="font-display text-4xl font-bold wrap-anywhere tabular-nums">
              <span className="sr-only">{t("price")} </span>
              <Price amount={ticket.price} />
            </p>
            {priceChange && <p className="-mt-3 font-semibold">{priceChange}</p>}
            {ticket.faceValue && (
              <p className="-mt-3 text-sm">
                {t("faceValue")} <Price amount={ticket.faceValue} />
              </p>
            )}
            <TicketActions ticket={ticket} viewer={props.viewer} />
          </div>
        </div>
      </article>
      <p role="status" className="sr-only">
        {announcement}
      </p>
      <p role="status" className="sr-only">
        {priceChange ?? ""}
      </p>
      {isSeller && ticket.status === "available" && !ticket.withdrawn && props.file}
      {isSeller && <EditTicket ticket={ticket} />}
    </>
  );
}

function ShowLink({ id, name, poster }: { id: string; name: string; poster: ReactNode }) {
  const t = useTranslations("Show");
  return (
    <Link
      href={paths.show(id)}
      className="group mt-6 flex min-h-11 w-fit max-w-full items-center gap-3 font-semibold"
    >
      {poster && <span className="size-11 shrink-0 overflow-hidden rounded-lg">{poster}</span>}
      <span
        dir="auto"
        className="min-w-0 wrap-anywhere underline decoration-line underline-offset-4 group-hover:decoration-ink"
      >
        {t("allTicketsFor", { name })}
      </span>
    </Link>
  );
}

/** Returns the text that screen readers announce after a status change on the open page. */
function useStatusAnnouncement(ticket: Ticket): string {
  const t = useTranslations("Ticket");
  const status = ticket.withdrawn ? "withdrawn" : ticket.status;
  const [previous, setPrevious] = useState(status);
  const [hasChanged, setHasChanged] = useState(false);
  if (status !== previous) {
    setPrevious(status);
    setHasChanged(true);
  }
  if (!hasChanged) return "";
  return {
    available: t("nowAvailable"),
    reserved: t("nowReserved"),
    sold: t("nowSold"),
    withdrawn: t("withdrawn"),
  }[status];
}

/** Returns the notice of a price that has changed since the buyer opened the page, or null. */
function usePriceChange(price: number, isBuyer: boolean): string | null {
  const t = useTranslations("Ticket");
  const locale = useFormattingLocale();
  const [seen] = useState(price);
  if (!isBuyer || price === seen) return null;
  return t("priceWas", { price: formatPrice(seen, locale) });
}
