import "server-only";

import { done, paths } from "@/config/paths";
import { formApi, pathWithProblems, seeOther } from "@/lib/api/form-submission";
import { toResult } from "@/lib/api/result";
import { MAX_FORM_BYTES, readForm } from "@/lib/form-body";
import { pathWithLink } from "./letter-link";
import { typedEmailCookie } from "./typed-email";

/** The forms to get back into an account, submitted without script. */

/** Asks for the letter of a forgotten password. */
export async function submitForgot(request: Request): Promise<Response> {
  const form = await readForm(request, MAX_FORM_BYTES);
  if (!form) return new Response(null, { status: 413 });
  const email = form.get("email")?.trim() ?? "";
  const result = await toResult(formApi(request).POST("/api/users/forgot", { body: { email } }));
  if (result.ok) return seeOther(done(paths.forgot));
  return seeOther(pathWithProblems(paths.forgot, result), [typedEmailCookie(email)]);
}

/** Chooses a new password by the link of a letter. */
export async function submitReset(request: Request): Promise<Response> {
  const form = await readForm(request, MAX_FORM_BYTES);
  if (!form) return new Response(null, { status: 413 });
  const link = readLink(form);
  const body = { ...link, password: form.get("password") ?? "" };
  const result = await toResult(formApi(request).POST("/api/users/reset", { body }));
  if (result.ok) return seeOther(done(paths.reset));
  return seeOther(pathWithProblems(pathWithLink(paths.reset, link), result));
}

/** Confirms an address by the link of a letter. */
export async function submitVerification(request: Request): Promise<Response> {
  const form = await readForm(request, MAX_FORM_BYTES);
  if (!form) return new Response(null, { status: 413 });
  const link = readLink(form);
  const result = await toResult(formApi(request).POST("/api/users/verify", { body: link }));
  if (result.ok) return seeOther(done(paths.verify));
  return seeOther(pathWithProblems(pathWithLink(paths.verify, link), result));
}

function readLink(form: URLSearchParams) {
  return { letter: form.get("letter") ?? "", token: form.get("token") ?? "" };
}
