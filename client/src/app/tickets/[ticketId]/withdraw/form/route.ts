import { submitWithdrawal } from "@/features/tickets/submit-ticket";

export async function POST(
  request: Request,
  context: RouteContext<"/tickets/[ticketId]/withdraw/form">,
) {
  return submitWithdrawal(request, (await context.params).ticketId);
}
