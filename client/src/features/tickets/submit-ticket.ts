import "server-only";

import { paths } from "@/config/paths";
import { getReaderLocale } from "@/i18n/server";
import { formApi, MAX_FORM_BYTES, pathWithProblems, seeOther } from "@/lib/api/form-submission";
import { type ApiFailure, type ApiResult, toResult } from "@/lib/api/result";
import type { Ticket } from "@/lib/api/types";
import { readForm } from "@/lib/form-body";
import { parseListingPrice, type ProblemKey } from "@/lib/validation";
import type { TicketInput } from "./ticket-form";

const UNAUTHORIZED = 401;

/** Lists a ticket for a browser that submits the form without script. */
export async function submitNewTicket(request: Request): Promise<Response> {
  return submit(request, paths.newTicket, (body, form) => {
    const key = form.get("key");
    return formApi(request).POST("/api/tickets", {
      body,
      ...(key && { headers: { "Idempotency-Key": key } }),
    });
  });
}

/** Changes a listing for a browser that submits the form without script. */
export async function submitEdit(request: Request, ticketId: string): Promise<Response> {
  return submit(request, paths.ticket(ticketId), (body, form) =>
    formApi(request).PUT("/api/tickets/{ticket_id}", {
      params: { path: { ticket_id: ticketId } },
      body,
      headers: { "If-Match": `"${form.get("version") ?? ""}"` },
    }),
  );
}

async function submit(
  request: Request,
  page: string,
  send: (body: TicketInput, form: URLSearchParams) => Parameters<typeof toResult<Ticket>>[0],
): Promise<Response> {
  const form = await readForm(request, MAX_FORM_BYTES);
  if (!form) return new Response(null, { status: 413 });
  const typed = { title: form.get("title") ?? "", price: form.get("price") ?? "" };
  const result = await sendParsed(typed, (body) => send(body, form));
  if (result.ok) return seeOther(paths.ticket(result.data.id));
  if (result.status === UNAUTHORIZED) return seeOther(paths.signIn(page));
  return seeOther(pathWithProblems(page, result, typed));
}

async function sendParsed(
  typed: TicketInput,
  send: (body: TicketInput) => Parameters<typeof toResult<Ticket>>[0],
): Promise<ApiResult<Ticket>> {
  const { locale } = await getReaderLocale();
  const { amount, problem } = parseListingPrice(typed.price, locale);
  return problem ? invalidPrice(problem) : toResult<Ticket>(send({ ...typed, price: amount }));
}

const invalidPrice = (message: ProblemKey): ApiFailure => ({
  ok: false,
  status: 400,
  problems: [{ message, field: "price" }],
  retryAfter: null,
});
