import "server-only";

import { done, localPath, paths } from "@/config/paths";
import { parseLetterLink, pathWithLink } from "./letter-link";
import { formApi, pathWithProblems, seeOther } from "@/lib/api/form-submission";
import { toResult } from "@/lib/api/result";
import { MAX_FORM_BYTES, readForm } from "@/lib/form-body";

/** The forms of the second step, submitted without script. */

/** Signs in with a recovery code. */
export async function submitRecoveryCode(request: Request): Promise<Response> {
  const form = await readForm(request, MAX_FORM_BYTES);
  if (!form) return new Response(null, { status: 413 });
  const next = localPath(form.get("next"));
  const body = { challengeId: form.get("challenge") ?? "", code: form.get("code") ?? "" };
  const sent = formApi(request).POST("/api/users/signin/recovery", { body });
  const result = await toResult(sent);
  if (!result.ok) return seeOther(pathWithProblems(paths.secondStep(next), result));
  return seeOther(next, (await sent).response.headers.getSetCookie());
}

/** Announces the removal of the second step. */
export async function submitRemoval(request: Request): Promise<Response> {
  const form = await readForm(request, MAX_FORM_BYTES);
  if (!form) return new Response(null, { status: 413 });
  const body = { challengeId: form.get("challenge") ?? "" };
  const result = await toResult(
    formApi(request).POST("/api/users/second-factor/removal", { body }),
  );
  if (result.ok) return seeOther(done(paths.secondStep()));
  return seeOther(pathWithProblems(paths.secondStep(localPath(form.get("next"))), result));
}

/** Cancels an announced removal by the link of a letter. */
export async function submitKeepSecondStep(request: Request): Promise<Response> {
  const form = await readForm(request, MAX_FORM_BYTES);
  if (!form) return new Response(null, { status: 413 });
  const link = parseLetterLink(Object.fromEntries(form)) ?? { letter: "", token: "" };
  const result = await toResult(
    formApi(request).POST("/api/users/second-factor/removal/cancel", { body: link }),
  );
  if (result.ok) return seeOther(done(paths.keepSecondStep));
  return seeOther(pathWithProblems(pathWithLink(paths.keepSecondStep, link), result));
}
