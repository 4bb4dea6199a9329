"use client";

import { type ReactNode, useState } from "react";
import { useTranslations } from "use-intl";
import { helpLink } from "@/components/help-link";
import { Link } from "@/components/link";
import { useFormattingLocale, useReaderTimeZone } from "@/components/locale";
import { TermsNote } from "@/components/terms-note";
import { TimeLeft } from "@/components/time-left";
import { buttonStyle } from "@/components/ui/button-style";
import { paths } from "@/config/paths";
import type { Ticket } from "@/lib/api/types";
import { formatPrice } from "@/lib/money";
import { protectionLevel } from "@/lib/protection";
import { formatDateTime } from "@/lib/time";
import { BuyButton } from "./buy-button";
import type { Holder, OwnOrder } from "./own-order";
import { useOwnOrder } from "./use-own-order";

/** The user's relation to a ticket. */
export interface Viewer {
  kind: "anonymous" | "seller" | "other";
  /** Who holds the ticket, if that was known when the page was rendered. */
  holder: Holder | null;
  /** The order by which its seller bought it here with its original. */
  fromOrderId: string | null;
  /** The server's time when the page was rendered. */
  now: number;
}

/** The action that the viewer can take now, or the reason why there is none. */
export function TicketActions({ ticket, viewer }: { ticket: Ticket; viewer: Viewer }) {
  const t = useTranslations("Ticket");
  const [ordering, setOrdering] = useState(false);
  const own = useOwnOrder(ticket, viewer.holder, viewer.kind === "other" && !ordering);
  if (viewer.kind === "seller") return <SellerStatus ticket={ticket} viewer={viewer} />;
  if (ticket.status !== "available" && own) {
    return <OwnOrderStatus isPaid={ticket.status === "sold"} order={own} now={viewer.now} />;
  }
  // The stream reports the viewer's own reservation too, often before the order's response arrives.
  if (ticket.status === "reserved" && !ordering) {
    return own === undefined ? (
      <StatusText key="asking" title={t("checkingHolder")} />
    ) : (
      <StatusText key="reserved" title={t("reserved")} hint={t("reservedHint")} />
    );
  }
  const unavailable = whyUnavailable(ticket, viewer.now);
  if (unavailable) {
    return (
      <>
        <StatusText title={t(unavailable)} hint={t("soldHint")} />
        <Link href={paths.home} className={buttonStyle("secondary")}>
          {t("browse")}
        </Link>
      </>
    );
  }
  if (isFrozen(ticket, viewer.now)) return <FrozenStatus until={ticket.frozenUntil ?? ""} />;
  if (viewer.kind === "anonymous") {
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
      <div>
        <p className="text-sm">{t("buyHint")}</p>
        <noscript>
          <p className="mt-1 text-sm font-semibold">{t("buyNeedsScript")}</p>
        </noscript>
        <TermsNote action="reserve" className="mt-1" />
      </div>
    </>
  );
}

/** Returns the message for a ticket that nobody can reserve, or null. */
function whyUnavailable({ status, withdrawn, show }: Ticket, now: number) {
  if (status === "sold") return "sold";
  if (withdrawn) return "withdrawn";
  if (show?.cancelledAt) return "showCancelled";
  return show && Date.parse(show.startsAt) <= now ? "showStarted" : null;
}

/** Returns whether nobody can reserve the ticket, because another listing with its code is looked into. */
const isFrozen = ({ frozenUntil }: Ticket, now: number) =>
  Boolean(frozenUntil) && Date.parse(frozenUntil ?? "") > now;

function FrozenStatus({ until }: { until: string }) {
  const t = useTranslations("Ticket");
  return <StatusText title={t("frozen")} hint={t("frozenHint", { time: useMoment(until) })} />;
}

function useMoment(at: string): string {
  const zone = useReaderTimeZone();
  const locale = useFormattingLocale();
  return at && formatDateTime(at, locale, zone);
}

function SellerStatus({ ticket, viewer }: { ticket: Ticket; viewer: Viewer }) {
  const { now, fromOrderId } = viewer;
  const t = useTranslations("Ticket");
  const locale = useFormattingLocale();
  const frozenUntil = useMoment(ticket.frozenUntil ?? "");
  return (
    <>
      <StatusText title={t("yours")} hint={sellerHint(ticket, now, t)} />
      {isFrozen(ticket, now) && ticket.status === "available" && !ticket.withdrawn && (
        <p className="text-sm font-semibold" suppressHydrationWarning>
          {t("frozenSeller", { time: frozenUntil })}
        </p>
      )}
      {ticket.lateEdit && (
        <p className="text-sm" suppressHydrationWarning>
          {t(ticket.status === "sold" ? "lateEditSold" : "lateEditReserved", {
            title: ticket.lateEdit.title,
            price: formatPrice(ticket.lateEdit.price, locale),
          })}
        </p>
      )}
      {ticket.status !== "sold" && !ticket.withdrawn && !ticket.withdrawing && (
        <Link href={paths.withdrawTicket(ticket.id)} className={buttonStyle("quiet", "self-start")}>
          {t("withdraw")}
        </Link>
      )}
      {ticket.withdrawn && (
        <Link
          href={fromOrderId ? paths.resell(fromOrderId) : newListing(ticket)}
          className={buttonStyle("secondary", "self-start")}
        >
          {t("listAgain")}
        </Link>
      )}
    </>
  );
}

const newListing = ({ showId }: Ticket) => (showId ? paths.newTicketFor(showId) : paths.newTicket);

function sellerHint(
  ticket: Ticket,
  now: number,
  t: ReturnType<typeof useTranslations<"Ticket">>,
): ReactNode {
  if (ticket.status === "sold") {
    return protectionLevel(ticket.protection) === "described"
      ? t.rich("lockedSold", { help: helpLink })
      : t("soldFromVault");
  }
  if (ticket.withdrawn) return t("youWithdrew");
  if (ticket.withdrawing) return t("withdrawing");
  if (ticket.status === "reserved") return t("lockedReserved");
  return t(whyUnavailable(ticket, now) ?? "onSale");
}

function OwnOrderStatus(props: { isPaid: boolean; order: OwnOrder; now: number }) {
  const t = useTranslations("Ticket");
  return (
    <>
      <div>
        <StatusText title={props.isPaid ? t("yourPurchase") : t("yourOrder")} />
        {!props.isPaid && (
          <p className="mt-2 text-sm">
            {t.rich("timeLeft", {
              time: () => <TimeLeft key="time" until={props.order.until} now={props.now} />,
            })}
          </p>
        )}
      </div>
      <Link href={paths.order(props.order.id)} className={buttonStyle()}>
        {props.isPaid ? t("goToOrder") : t("goOn")}
      </Link>
    </>
  );
}

function StatusText({ title, hint }: { title: string; hint?: ReactNode }) {
  return (
    <div>
      <p className="text-lg leading-snug font-semibold">{title}</p>
      {hint && (
        <p className="mt-2 text-sm" suppressHydrationWarning>
          {hint}
        </p>
      )}
    </div>
  );
}
