import { submitShowOfTicket } from "@/features/tickets/submit-ticket";

export async function POST(
  request: Request,
  context: RouteContext<"/tickets/[ticketId]/show/form">,
) {
  return submitShowOfTicket(request, (await context.params).ticketId);
}
