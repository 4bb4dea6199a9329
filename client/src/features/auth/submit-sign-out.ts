import "server-only";

import { paths } from "@/config/paths";
import { formApi, seeOther } from "@/lib/api/form-submission";

/** Ends the session of a browser that submits the form without script. */
export async function submitSignOut(request: Request): Promise<Response> {
  const sent = await formApi(request)
    .POST("/api/users/signout")
    .catch(() => null);
  if (!sent?.response.ok) return seeOther(paths.signOut);
  const response = seeOther(paths.home, sent.response.headers.getSetCookie());
  const stored = sent.response.headers.get("clear-site-data");
  if (stored) response.headers.set("clear-site-data", stored);
  return response;
}
