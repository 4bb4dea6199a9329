import "server-only";

import { paths } from "@/config/paths";
import { formApi, pathWithProblems, seeOther } from "@/lib/api/form-submission";
import { toResult } from "@/lib/api/result";
import { MAX_FORM_BYTES, readForm } from "@/lib/form-body";

const UNAUTHORIZED = 401;

/** Sends a seller to Stripe: to enter where the money goes, or to the account there. */
export async function submitSeller(request: Request): Promise<Response> {
  const form = await readForm(request, MAX_FORM_BYTES);
  if (!form) return new Response(null, { status: 413 });
  const api = formApi(request);
  const country = form.get("country");
  const result =
    form.get("to") === "dashboard"
      ? await toResult(api.POST("/api/payments/seller/dashboard"))
      : await toResult(api.POST("/api/payments/seller", { body: country ? { country } : {} }));
  if (result.ok) return seeOther(result.data.url);
  if (result.status === UNAUTHORIZED) return seeOther(paths.signIn(paths.earnings));
  return seeOther(pathWithProblems(paths.earnings, result));
}
