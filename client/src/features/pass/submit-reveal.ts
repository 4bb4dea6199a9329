import "server-only";

import { paths } from "@/config/paths";
import { formApi, pathWithProblems, seeOther } from "@/lib/api/form-submission";
import { toResult } from "@/lib/api/result";

const UNAUTHORIZED = 401;

/** Opens a ticket for a browser that submits the form without script. */
export async function submitReveal(request: Request, ticketId: string): Promise<Response> {
  const params = { path: { ticket_id: ticketId } };
  const page = paths.pass(ticketId);
  const result = await toResult(
    formApi(request).POST("/api/tickets/{ticket_id}/pass/reveal", { params }),
  );
  if (result.ok) return seeOther(page);
  return seeOther(
    result.status === UNAUTHORIZED ? paths.signIn(page) : pathWithProblems(page, result),
  );
}
