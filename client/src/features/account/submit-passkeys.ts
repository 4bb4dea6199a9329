import "server-only";

import { done, paths } from "@/config/paths";
import { formApi, pathWithProblems, seeOther } from "@/lib/api/form-submission";
import { toResult } from "@/lib/api/result";
import { MAX_FORM_BYTES, readForm } from "@/lib/form-body";

/** The forms of the page of passkeys. Each names what it does, because they need no script. */
export async function submitPasskeys(request: Request): Promise<Response> {
  const form = await readForm(request, MAX_FORM_BYTES);
  if (!form) return new Response(null, { status: 413 });
  const result = await toResult<unknown>(send(formApi(request), form));
  return seeOther(result.ok ? done(paths.passkeys) : pathWithProblems(paths.passkeys, result));
}

function send(client: ReturnType<typeof formApi>, form: URLSearchParams) {
  const params = { path: { passkey_id: form.get("id") ?? "" } };
  switch (form.get("do")) {
    case "rename": {
      const body = { name: form.get("name") ?? "" };
      return client.PUT("/api/users/passkeys/{passkey_id}", { params, body });
    }
    case "remove":
      return client.DELETE("/api/users/passkeys/{passkey_id}", { params });
    case "cancel":
      return client.POST("/api/users/second-factor/removal/cancel", { body: {} });
    default:
      return client.PUT("/api/users/second-factor", {
        body: { required: form.get("do") === "require" },
      });
  }
}
