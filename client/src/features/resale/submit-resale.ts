import "server-only";

import { paths } from "@/config/paths";
import { getReaderLocale } from "@/i18n/server";
import { formApi, pathWithProblems, seeOther } from "@/lib/api/form-submission";
import { type ApiResult, toResult } from "@/lib/api/result";
import type { Ticket } from "@/lib/api/types";
import { MAX_FORM_BYTES, readForm } from "@/lib/form-body";
import { parseListingPrice } from "@/lib/validation";

const UNAUTHORIZED = 401;

/** Lists a bought ticket again for a browser that submits the form without script. */
export async function submitResale(request: Request, orderId: string): Promise<Response> {
  const form = await readForm(request, MAX_FORM_BYTES);
  if (!form) return new Response(null, { status: 413 });
  const page = paths.resell(orderId);
  const typed = { price: form.get("price") ?? "" };
  const price = parseListingPrice(typed.price, (await getReaderLocale()).locale);
  const problems = price.problem ? [{ field: "price", message: price.problem }] : [];
  const result: ApiResult<Ticket> =
    problems.length > 0
      ? { ok: false, status: 400, problems, retryAfter: null }
      : await list(request, orderId, price.amount ?? "", form.get("key"));
  if (result.ok) return seeOther(paths.ticket(result.data.id));
  if (result.status === UNAUTHORIZED) return seeOther(paths.signIn(page));
  return seeOther(pathWithProblems(page, result, typed));
}

async function list(
  request: Request,
  orderId: string,
  price: string,
  key: string | null,
): Promise<ApiResult<Ticket>> {
  const api = formApi(request);
  const params = { path: { order_id: orderId } };
  const order = await toResult(api.GET("/api/orders/{order_id}", { params }));
  if (!order.ok) return order;
  return toResult<Ticket>(
    api.POST("/api/tickets", {
      body: { title: order.data.ticket.title, price, fromOrderId: orderId },
      ...(key && { headers: { "Idempotency-Key": key } }),
    }),
  );
}
