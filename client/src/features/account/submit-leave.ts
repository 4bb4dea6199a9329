import "server-only";

import { paths } from "@/config/paths";
import { formApi, pathWithProblems, seeOther } from "@/lib/api/form-submission";
import { type ApiFailure, toResult } from "@/lib/api/result";

/** Deletes the account, after its user has seen what is lost. The form needs no script. */
export async function submitLeave(request: Request): Promise<Response> {
  const sent = formApi(request).DELETE("/api/users/account");
  const result = await toResult(sent);
  if (result.ok) return seeOther(paths.left, (await sent).response.headers.getSetCookie());
  return seeOther(pathWithProblems(paths.confirmLeave, result, possibleFrom(result)));
}

/** Returns from when on it is possible, if the response says so. */
function possibleFrom(failure: ApiFailure): Record<string, string> {
  const [problem] = failure.problems;
  if (!problem || !("possibleFrom" in problem)) return {};
  return { from: String(problem.possibleFrom) };
}
