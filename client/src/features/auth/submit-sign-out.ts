import "server-only";

import { paths } from "@/config/paths";
import { formApi, seeOther } from "@/lib/api/form-submission";

/** Ends the session of a browser that submits the form without script. */
export async function submitSignOut(request: Request): Promise<Response> {
  const sent = await formApi(request)
    .POST("/api/users/signout")
    .catch(() => null);
  return sent?.response.ok
    ? seeOther(paths.home, sent.response.headers.getSetCookie())
    : seeOther(paths.signOut);
}
