import "server-only";

import { paths } from "@/config/paths";
import { formApi, MAX_FORM_BYTES, pathWithProblems, seeOther } from "@/lib/api/form-submission";
import { type ApiResult, toResult } from "@/lib/api/result";
import type { Show } from "@/lib/api/types";
import { readForm } from "@/lib/form-body";
import { nextPage, readShowInput, showBody, type ShowInput, timeProblem } from "./show-input";

const UNAUTHORIZED = 401;

/** Adds a show for a browser that submits the form without script. */
export async function submitNewShow(request: Request): Promise<Response> {
  const form = await readForm(request, MAX_FORM_BYTES);
  if (!form) return new Response(null, { status: 413 });
  const typed = readShowInput((name) => form.get(name));
  const result = await sendChecked(request, typed);
  if (result.ok) return seeOther(nextPage(typed, result.data.id));
  if (result.status === UNAUTHORIZED) return seeOther(paths.signIn(paths.newShow));
  return seeOther(pathWithProblems(paths.newShow, result, typed));
}

async function sendChecked(request: Request, typed: ShowInput): Promise<ApiResult<Show>> {
  const problems = (["startsAt", "endsAt"] as const).flatMap((field) => {
    const message = timeProblem(field, typed);
    return message ? [{ field, message }] : [];
  });
  if (problems.length > 0) return { ok: false, status: 400, problems, retryAfter: null };
  return toResult<Show>(formApi(request).POST("/api/tickets/shows", { body: showBody(typed) }));
}
