import { submitResale } from "@/features/resale/submit-resale";

export async function POST(
  request: Request,
  context: RouteContext<"/orders/[orderId]/resell/form">,
) {
  return submitResale(request, (await context.params).orderId);
}
