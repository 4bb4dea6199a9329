import type { Metadata } from "next";
import { notFound } from "next/navigation";
import { BackLink } from "@/components/back-link";
import { Down } from "@/components/service-unavailable";
import { paths } from "@/config/paths";
import { ticketAnswer } from "@/features/tickets/get-ticket";
import { TicketView, type Viewer } from "@/features/tickets/ticket-view";
import { reader, words } from "@/i18n/server";
import { Words } from "@/i18n/messages";
import { answerOf, unavailable } from "@/lib/api/result";
import { api } from "@/lib/api/server";
import { currentUser } from "@/lib/api/session";
import type { Ticket } from "@/lib/api/types";
import { formatPrice } from "@/lib/money";

export async function generateMetadata(props: PageProps<"/tickets/[ticketId]">): Promise<Metadata> {
  const answer = await ticketAnswer((await props.params).ticketId);
  if (!answer.ok) return {};
  const { title, price } = answer.data;
  return { title, description: `${title}: ${formatPrice(price, (await reader()).region)}` };
}

export default async function TicketPage({ params }: PageProps<"/tickets/[ticketId]">) {
  const answer = await ticketAnswer((await params).ticketId);
  const t = await words("Ticket");
  if (!answer.ok && !unavailable(answer)) notFound();
  return (
    <>
      <BackLink href={paths.home}>{t("back")}</BackLink>
      {answer.ok ? (
        <Words of={["Ticket", "Sell", "Problem"]}>
          <TicketView ticket={answer.data} viewer={await viewerOf(answer.data)} />
        </Words>
      ) : (
        <Down what="downTickets" heading="h1" />
      )}
    </>
  );
}

/** Whoever can see the order that holds a ticket is its buyer: orders tells nobody else. */
async function viewerOf(ticket: Ticket): Promise<Viewer> {
  const user = await currentUser();
  if (!user) return "anonymous";
  if (user.id === ticket.userId) return "seller";
  if (ticket.orderId === null) return "other";
  const order = await answerOf(
    (await api()).GET("/api/orders/{order_id}", { params: { path: { order_id: ticket.orderId } } }),
  );
  return order.ok ? "buyer" : "other";
}
