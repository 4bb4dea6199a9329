import type { Metadata } from "next";
import { notFound } from "next/navigation";
import { ServiceUnavailable } from "@/components/service-unavailable";
import { Poster } from "@/components/show/poster";
import { StructuredData } from "@/components/structured-data";
import { Alert } from "@/components/ui/alert";
import { paths } from "@/config/paths";
import { getPass } from "@/features/pass/get-pass";
import { getTicket } from "@/features/tickets/get-ticket";
import { BackToTickets } from "@/features/tickets/last-search";
import { toOwnOrder } from "@/features/tickets/own-order";
import type { Viewer } from "@/features/tickets/ticket-actions";
import { TicketView } from "@/features/tickets/ticket-view";
import { TicketFile } from "@/features/vault/ticket-file";
import { getFormProblems } from "@/i18n/form-problems";
import { failureTitle } from "@/i18n/failure-title";
import { Messages } from "@/i18n/messages";
import { getReaderLocale, getTranslations } from "@/i18n/server";
import { isUnavailable, toResult } from "@/lib/api/result";
import { api } from "@/lib/api/server";
import { getCurrentUser } from "@/lib/api/session";
import type { Ticket } from "@/lib/api/types";
import { formatPrice } from "@/lib/money";
import { formatPlace } from "@/lib/place";
import { protectionLevel } from "@/lib/protection";
import { requestOrigin } from "@/lib/request-origin";
import { formatShowStart } from "@/lib/show-time";
import { ticketEvent } from "@/lib/structured-data";

export async function generateMetadata(props: PageProps<"/tickets/[ticketId]">): Promise<Metadata> {
  const result = await getTicket((await props.params).ticketId);
  if (!result.ok) return { title: await failureTitle(result) };
  const { id, title, price, show } = result.data;
  const { locale } = await getReaderLocale();
  const facts = [
    formatPrice(price, locale),
    ...(show ? [formatShowStart(show, locale, result.date), formatPlace(show.venue)] : []),
  ];
  const description = `${title}: ${facts.join(" · ")}`;
  return {
    title,
    description,
    alternates: { canonical: paths.ticket(id) },
    openGraph: {
      type: "website",
      title,
      description,
      url: paths.ticket(id),
      images: show ? paths.showImage(show.id) : paths.siteImage,
    },
    ...(!isForSale(result.data, result.date) && { robots: { index: false } }),
  };
}

const MESSAGES_OF_BUYER = ["Ticket", "Show", "Protection", "Legal", "Problem"] as const;
const MESSAGES_OF_SELLER = [...MESSAGES_OF_BUYER, "Upload", "Sell"] as const;

export default async function TicketPage(props: PageProps<"/tickets/[ticketId]">) {
  const { params, searchParams } = props;
  const result = await getTicket((await params).ticketId);
  const t = await getTranslations("Ticket");
  if (!result.ok && !isUnavailable(result)) notFound();
  const viewer = result.ok ? await getViewer(result.data, result.date) : null;
  return (
    <>
      <BackToTickets>{t("back")}</BackToTickets>
      {(await getFormProblems(await searchParams)).map((problem) => (
        <Alert key={problem} tone="bad">
          {problem}
        </Alert>
      ))}
      {result.ok && viewer ? (
        <Messages of={viewer.kind === "seller" ? MESSAGES_OF_SELLER : MESSAGES_OF_BUYER}>
          <TicketEvent ticket={result.data} />
          <TicketView
            ticket={result.data}
            viewer={viewer}
            file={
              viewer.kind === "seller" && (
                <TicketFile ticket={result.data} wasBought={viewer.fromOrderId !== null} />
              )
            }
            poster={<TicketPoster show={result.data.show} />}
          />
        </Messages>
      ) : (
        <ServiceUnavailable message="ticketsUnavailable" heading="h1" />
      )}
    </>
  );
}

function TicketPoster({ show }: { show: Ticket["show"] | undefined }) {
  return show ? <Poster id={show.id} category={show.category} width="100%" height="100%" /> : null;
}

async function TicketEvent({ ticket }: { ticket: Ticket }) {
  if (!ticket.show) return null;
  const url = `${await requestOrigin()}${paths.ticket(ticket.id)}`;
  return <StructuredData data={ticketEvent(ticket, ticket.show, url)} />;
}

function isForSale({ status, withdrawn, show }: Ticket, now: number): boolean {
  const isOver = show && (show.cancelledAt ?? Date.parse(show.startsAt) <= now);
  return status === "available" && !withdrawn && !isOver;
}

/** Returns the user's relation to a ticket. Only its buyer can read the order that reserves it. */
async function getViewer(ticket: Ticket, now: number): Promise<Viewer> {
  const user = await getCurrentUser();
  const { orderId } = ticket;
  const other = { kind: "other", holder: null, fromOrderId: null, now } as const;
  if (!user) return { ...other, kind: "anonymous" };
  if (user.id === ticket.userId) {
    return { ...other, kind: "seller", fromOrderId: await getFromOrderId(ticket) };
  }
  if (orderId === null) return other;
  const client = await api();
  const [order, config] = await Promise.all([
    toResult(client.GET("/api/orders/{order_id}", { params: { path: { order_id: orderId } } })),
    toResult(client.GET("/api/payments/config")),
  ]);
  if (isUnavailable(order)) return other;
  const marginSeconds = config.ok ? config.data.marginSeconds : null;
  const own = order.ok ? toOwnOrder(order.data, marginSeconds) : null;
  return { ...other, holder: { orderId, order: own } };
}

/** Returns the order by which the seller bought the ticket here with its original. Only the seller receives it. */
async function getFromOrderId({ id, protection }: Ticket): Promise<string | null> {
  if (protectionLevel(protection) === "described") return null;
  const pass = await getPass(id);
  return pass.ok ? (pass.data.fromOrderId ?? null) : null;
}
