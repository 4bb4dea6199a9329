import { submitReceipt } from "@/features/orders/submit-order";

export async function POST(
  request: Request,
  context: RouteContext<"/orders/[orderId]/received/form">,
) {
  return submitReceipt(request, (await context.params).orderId);
}
