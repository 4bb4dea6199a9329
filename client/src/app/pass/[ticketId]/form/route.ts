import { submitReveal } from "@/features/pass/submit-reveal";

export async function POST(request: Request, context: RouteContext<"/pass/[ticketId]/form">) {
  return submitReveal(request, (await context.params).ticketId);
}
