import "server-only";

import { localPath, paths } from "@/config/paths";
import { formApi, pathWithProblems, seeOther } from "@/lib/api/form-submission";
import { toResult } from "@/lib/api/result";
import { MAX_FORM_BYTES, readForm } from "@/lib/form-body";

/** Takes the password again before a sensitive change, for a form that was submitted without script. */
export async function submitConfirmation(request: Request): Promise<Response> {
  const form = await readForm(request, MAX_FORM_BYTES);
  if (!form) return new Response(null, { status: 413 });
  const next = localPath(form.get("next"));
  const body = { password: form.get("password") ?? "" };
  const sent = formApi(request).POST("/api/users/reauthenticate", { body });
  const result = await toResult(sent);
  if (!result.ok) return seeOther(pathWithProblems(paths.confirm(next), result));
  return seeOther(next, (await sent).response.headers.getSetCookie());
}
