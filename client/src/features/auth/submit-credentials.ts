import "server-only";

import { localPath, paths } from "@/config/paths";
import { getReaderLocale } from "@/i18n/server";
import { formApi, pathWithProblems, seeOther } from "@/lib/api/form-submission";
import { toResult } from "@/lib/api/result";
import { secondStepCookie } from "./second-step-cookie";
import type { Ceremony, User } from "@/lib/api/types";
import { MAX_FORM_BYTES, readForm } from "@/lib/form-body";
import { guessableProblem } from "@/lib/password/guessable";
import { typedEmailCookie } from "./typed-email";

/** Signs in or creates an account for a browser that submits the form without script. */
export async function submitCredentials(
  request: Request,
  purpose: "signIn" | "signUp",
): Promise<Response> {
  const form = await readForm(request, MAX_FORM_BYTES);
  if (!form) return new Response(null, { status: 413 });
  const email = form.get("email")?.trim() ?? "";
  const body = { email, password: form.get("password") ?? "" };
  const next = localPath(form.get("next"));

  const page = purpose === "signUp" ? paths.signUp(next) : paths.signIn(next);
  const problem = purpose === "signUp" ? await guessableProblem(body.password, email) : null;
  if (problem !== null) {
    const failure = { ok: false, status: 400, retryAfter: null } as const;
    const problems = [{ message: problem, field: "password" }];
    return seeOther(pathWithProblems(page, { ...failure, problems }), [typedEmailCookie(email)]);
  }
  const client = formApi(request);
  const { language } = await getReaderLocale(); // that of letters
  const sent =
    purpose === "signUp"
      ? client.POST("/api/users/signup", { body: { ...body, language } })
      : client.POST("/api/users/signin", { body });
  const result = await toResult<User | Ceremony>(sent);
  if (result.ok && "challengeId" in result.data) {
    return seeOther(paths.secondStep(next), [secondStepCookie(result.data.challengeId)]);
  }
  if (result.ok) return seeOther(next, (await sent).response.headers.getSetCookie());
  return seeOther(pathWithProblems(page, result), [typedEmailCookie(email)]);
}
