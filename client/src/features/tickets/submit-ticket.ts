import "server-only";

import { paths } from "@/config/paths";
import { getReaderLocale } from "@/i18n/server";
import { formApi, pathWithProblems, seeOther } from "@/lib/api/form-submission";
import { type ApiResult, toResult } from "@/lib/api/result";
import type { Ticket } from "@/lib/api/types";
import { MAX_FORM_BYTES, readForm } from "@/lib/form-body";
import { parseTicket, readTicketInput, type TicketBody } from "./ticket-input";

const UNAUTHORIZED = 401;

/** Lists a ticket for a browser that submits the form without script. */
export async function submitNewTicket(request: Request): Promise<Response> {
  const form = await readForm(request, MAX_FORM_BYTES);
  if (!form) return new Response(null, { status: 413 });
  const showId = form.get("showId");
  const page = showId ? paths.newTicketFor(showId) : paths.newTicket;
  return submit(form, page, (body) => {
    const key = form.get("key");
    return formApi(request).POST("/api/tickets", {
      body: { ...body, ...(showId && { showId }) },
      ...(key && { headers: { "Idempotency-Key": key } }),
    });
  });
}

/** Changes a listing for a browser that submits the form without script. */
export async function submitEdit(request: Request, ticketId: string): Promise<Response> {
  const form = await readForm(request, MAX_FORM_BYTES);
  if (!form) return new Response(null, { status: 413 });
  return submit(form, paths.ticket(ticketId), (body) =>
    formApi(request).PUT("/api/tickets/{ticket_id}", {
      params: { path: { ticket_id: ticketId } },
      body,
      headers: { "If-Match": `"${form.get("version") ?? ""}"` },
    }),
  );
}

/** Sets the show of a listed ticket. The form has no script at all. */
export async function submitShowOfTicket(request: Request, ticketId: string): Promise<Response> {
  const form = await readForm(request, MAX_FORM_BYTES);
  if (!form) return new Response(null, { status: 413 });
  const params = { path: { ticket_id: ticketId } };
  const [api, page] = [formApi(request), paths.ticket(ticketId)];
  const ticket = await toResult<Ticket>(api.GET("/api/tickets/{ticket_id}", { params }));
  if (!ticket.ok) return seeOther(pathWithProblems(page, ticket));
  const { title, price, version } = ticket.data;
  const result = await toResult<Ticket>(
    api.PUT("/api/tickets/{ticket_id}", {
      params,
      body: { title, price, showId: form.get("showId") },
      headers: { "If-Match": `"${version}"` },
    }),
  );
  if (result.ok) return seeOther(page);
  if (result.status === UNAUTHORIZED) return seeOther(paths.signIn(page));
  return seeOther(pathWithProblems(page, result));
}

/** Withdraws a ticket. The form that asks for confirmation has no script at all. */
export async function submitWithdrawal(request: Request, ticketId: string): Promise<Response> {
  const params = { path: { ticket_id: ticketId } };
  const result = await toResult(formApi(request).DELETE("/api/tickets/{ticket_id}", { params }));
  const page = paths.ticket(ticketId);
  if (result.ok) return seeOther(page);
  if (result.status === UNAUTHORIZED) return seeOther(paths.signIn(page));
  return seeOther(pathWithProblems(page, result));
}

async function submit(
  form: URLSearchParams,
  page: string,
  send: (body: TicketBody) => Parameters<typeof toResult<Ticket>>[0],
): Promise<Response> {
  const typed = readTicketInput((name) => form.get(name));
  const { body, problems } = parseTicket(typed, (await getReaderLocale()).locale);
  const result: ApiResult<Ticket> =
    problems.length > 0
      ? { ok: false, status: 400, problems, retryAfter: null }
      : await toResult<Ticket>(send(body));
  if (result.ok) return seeOther(paths.ticket(result.data.id));
  if (result.status === UNAUTHORIZED) return seeOther(paths.signIn(page));
  return seeOther(pathWithProblems(page, result, typed));
}
