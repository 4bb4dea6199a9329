import "server-only";

import { paths } from "@/config/paths";
import { formApi, pathWithProblems, seeOther } from "@/lib/api/form-submission";
import { type ApiResult, toResult } from "@/lib/api/result";
import type { Show } from "@/lib/api/types";
import { MAX_FORM_BYTES, readForm } from "@/lib/form-body";
import { nextPage, readShowInput, showBody, type ShowInput, timeProblem } from "./show-input";

const UNAUTHORIZED = 401;

/** Adds a show for a browser that submits the form without script. */
export async function submitNewShow(request: Request): Promise<Response> {
  return submit(request, {
    page: paths.newShow,
    send: (typed) => formApi(request).POST("/api/tickets/shows", { body: showBody(typed) }),
    next: (typed, { id }) => nextPage(typed, id),
  });
}

/** Changes a show for a browser that submits the form without script. */
export async function submitShowEdit(request: Request, id: string): Promise<Response> {
  const path = { show_id: id };
  return submit(request, {
    page: paths.editShow(encodeURIComponent(id)),
    send: (typed) =>
      formApi(request).PUT("/api/tickets/shows/{show_id}", {
        params: { path },
        body: showBody(typed),
      }),
    next: (_, show) => paths.show(show.id),
  });
}

interface Submission {
  page: string;
  send: (typed: ShowInput) => Parameters<typeof toResult<Show>>[0];
  next: (typed: ShowInput, show: Show) => string;
}

async function submit(request: Request, { page, send, next }: Submission): Promise<Response> {
  const form = await readForm(request, MAX_FORM_BYTES);
  if (!form) return new Response(null, { status: 413 });
  const typed = readShowInput((name) => form.get(name));
  const result = await sendChecked(typed, send);
  if (result.ok) return seeOther(next(typed, result.data));
  if (result.status === UNAUTHORIZED) return seeOther(paths.signIn(page));
  return seeOther(pathWithProblems(page, result, typed));
}

async function sendChecked(typed: ShowInput, send: Submission["send"]): Promise<ApiResult<Show>> {
  const problems = (["startsAt", "endsAt"] as const).flatMap((field) => {
    const message = timeProblem(field, typed);
    return message ? [{ field, message }] : [];
  });
  if (problems.length > 0) return { ok: false, status: 400, problems, retryAfter: null };
  return toResult<Show>(send(typed));
}
