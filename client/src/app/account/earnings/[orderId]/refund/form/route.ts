import { submitRefundOffer } from "@/features/earnings/submit-refund-offer";

export async function POST(
  request: Request,
  context: RouteContext<"/account/earnings/[orderId]/refund/form">,
) {
  return submitRefundOffer(request, (await context.params).orderId);
}
