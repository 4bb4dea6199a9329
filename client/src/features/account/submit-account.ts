import "server-only";

import { paths } from "@/config/paths";
import { formApi, pathWithProblems, seeOther } from "@/lib/api/form-submission";
import { toResult } from "@/lib/api/result";
import { MAX_FORM_BYTES, readForm } from "@/lib/form-body";

/** The forms of the account page, submitted without script. */

/** Asks for another letter to confirm the address. */
export async function submitVerifyAgain(request: Request): Promise<Response> {
  const result = await toResult(formApi(request).POST("/api/users/verify/again"));
  if (result.ok) return seeOther(paths.accountDone("Verify"));
  return seeOther(pathWithProblems(paths.account, result));
}

/** Chooses the language of letters. */
export async function submitLanguage(request: Request): Promise<Response> {
  const form = await readForm(request, MAX_FORM_BYTES);
  if (!form) return new Response(null, { status: 413 });
  const body = { language: form.get("language") === "de" ? ("de" as const) : ("en" as const) };
  const result = await toResult(formApi(request).PUT("/api/users/account", { body }));
  if (result.ok) return seeOther(paths.accountDone("Language"));
  return seeOther(pathWithProblems(paths.account, result));
}

/** Asks to change the address. */
export async function submitEmail(request: Request): Promise<Response> {
  const form = await readForm(request, MAX_FORM_BYTES);
  if (!form) return new Response(null, { status: 413 });
  const body = { email: form.get("email")?.trim() ?? "", password: form.get("password") ?? "" };
  const result = await toResult(formApi(request).POST("/api/users/email", { body }));
  if (result.ok) return seeOther(paths.accountDone("Email"));
  return seeOther(pathWithProblems(paths.changeEmail, result));
}

/** Changes the password, which starts a new session. */
export async function submitPassword(request: Request): Promise<Response> {
  const form = await readForm(request, MAX_FORM_BYTES);
  if (!form) return new Response(null, { status: 413 });
  const body = {
    oldPassword: form.get("oldPassword") ?? "",
    password: form.get("password") ?? "",
  };
  const sent = formApi(request).POST("/api/users/password", { body });
  const result = await toResult(sent);
  if (!result.ok) return seeOther(pathWithProblems(paths.changePassword, result));
  return seeOther(paths.accountDone("Password"), (await sent).response.headers.getSetCookie());
}

/** Marks the notices as read. */
export async function submitNoticesRead(request: Request): Promise<Response> {
  const result = await toResult(formApi(request).POST("/api/users/notices/read"));
  return seeOther(result.ok ? paths.notices : pathWithProblems(paths.notices, result));
}
