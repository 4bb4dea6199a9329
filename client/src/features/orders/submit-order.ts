import "server-only";

import { paths } from "@/config/paths";
import { formApi, pathWithProblems, seeOther } from "@/lib/api/form-submission";
import { type ApiResult, toResult } from "@/lib/api/result";
import type { Order } from "@/lib/api/types";

const UNAUTHORIZED = 401;

/** Records that the ticket of an order arrived. The form has no script at all. */
export async function submitReceipt(request: Request, orderId: string): Promise<Response> {
  const params = { path: { order_id: orderId } };
  const sent = formApi(request).POST("/api/orders/{order_id}/received", { params });
  return backToOrder(orderId, await toResult(sent));
}

/** Accepts the refund that the seller of an order offers. The form has no script at all. */
export async function submitRefundAcceptance(request: Request, orderId: string): Promise<Response> {
  const params = { path: { order_id: orderId } };
  const sent = formApi(request).POST("/api/orders/{order_id}/refund-accept", { params });
  return backToOrder(orderId, await toResult(sent));
}

function backToOrder(orderId: string, result: ApiResult<Order>): Response {
  const page = paths.order(orderId);
  if (result.ok) return seeOther(page);
  if (result.status === UNAUTHORIZED) return seeOther(paths.signIn(page));
  return seeOther(pathWithProblems(page, result));
}
