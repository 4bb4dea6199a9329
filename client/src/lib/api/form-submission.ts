import "server-only";

import createClient from "openapi-fetch";
import { apiUrl } from "@/config/env";
import { paths } from "@/config/paths";
import { errorMessages } from "@/lib/error-messages";
import { pickHeaders } from "./pick-headers";
import { type ApiFailure, needsConfirmation } from "./result";
import type { Paths } from "./types";

/** Forms that a browser submits without script. Each is sent to the API in the visitor's name. */

const REQUEST_TIMEOUT_MS = 10_000;

/** With the origin and the host, the services refuse a form on a page of another site. */
const FORWARDED_HEADERS = [
  ...["cookie", "user-agent", "x-request-id", "x-forwarded-for"],
  ...["host", "origin", "sec-fetch-site"],
];

/** Returns the API client for one submitted form. */
export function formApi(request: Request) {
  return createClient<Paths>({
    baseUrl: apiUrl(),
    headers: pickHeaders(request.headers, FORWARDED_HEADERS),
    cache: "no-store",
    fetch: (sent) => fetch(sent, { signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) }),
  });
}

/** Redirects to a page, also after a failure, so that a reload never submits the form again. */
export function seeOther(path: string, setCookies: string[] = []): Response {
  const headers = new Headers({ location: path, "cache-control": "no-store" });
  for (const cookie of setCookies) headers.append("set-cookie", cookie);
  return new Response(null, { status: 303, headers });
}

/**
 * Returns the form's page with the message keys of its problems in the query, and with what was typed
 * into the given fields. A credential must never be among them. If the user has to give the password
 * again first, it is the page for that, which leads back.
 */
export function pathWithProblems(
  path: string,
  failure: ApiFailure,
  typed: Record<string, string> = {},
): string {
  if (needsConfirmation(failure)) return paths.confirm(path);
  const [pathname = "", search] = path.split("?");
  const query = new URLSearchParams(search);
  const { fields, form } = errorMessages(failure, (key, values) => {
    for (const [name, value] of Object.entries(values ?? {})) query.set(name, String(value));
    return key;
  });
  for (const key of [...Object.values(fields), ...form]) query.append("problem", key);
  for (const [name, value] of Object.entries(typed)) query.set(name, value);
  return `${pathname}?${query.toString()}`;
}
