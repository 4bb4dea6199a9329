import { submitEdit } from "@/features/tickets/submit-ticket";

export async function POST(request: Request, context: RouteContext<"/tickets/[ticketId]/form">) {
  return submitEdit(request, (await context.params).ticketId);
}
