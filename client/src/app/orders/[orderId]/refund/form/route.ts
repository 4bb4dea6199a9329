import { submitRefundAcceptance } from "@/features/orders/submit-order";

export async function POST(
  request: Request,
  context: RouteContext<"/orders/[orderId]/refund/form">,
) {
  return submitRefundAcceptance(request, (await context.params).orderId);
}
