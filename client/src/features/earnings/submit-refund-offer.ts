import "server-only";

import { paths } from "@/config/paths";
import { formApi, pathWithProblems, seeOther } from "@/lib/api/form-submission";
import { toResult } from "@/lib/api/result";

const UNAUTHORIZED = 401;

/** Offers the buyer of a sale the money back. The form has no script at all. */
export async function submitRefundOffer(request: Request, orderId: string): Promise<Response> {
  const params = { path: { order_id: orderId } };
  const result = await toResult(
    formApi(request).POST("/api/orders/{order_id}/refund-offer", { params }),
  );
  if (result.ok) return seeOther(paths.refundOffered);
  if (result.status === UNAUTHORIZED) return seeOther(paths.signIn(paths.earnings));
  return seeOther(pathWithProblems(paths.earnings, result));
}
