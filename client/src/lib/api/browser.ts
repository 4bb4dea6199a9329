"use client";

import createClient from "openapi-fetch";
import type { Paths } from "./types";

let refreshing: Promise<boolean> | undefined;

/** Renews the session's cookies; asked several times at once, it asks the service once. */
export function refreshSession(): Promise<boolean> {
  refreshing ??= fetch("/api/users/refresh", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: "{}",
  })
    .then((response) => response.ok)
    .catch(() => false)
    .finally(() => (refreshing = undefined));
  return refreshing;
}

/** A page may stay open for longer than an access token lives: renew, then ask once more. */
async function fetchWithRefresh(request: Request): Promise<Response> {
  const retry = request.clone();
  const response = await fetch(request);
  if (response.status !== 401) return response;
  return (await refreshSession()) ? fetch(retry) : response;
}

/** The API from the browser: same origin, so that cookies come and go by themselves. */
export const api = createClient<Paths>({ baseUrl: "", fetch: fetchWithRefresh });
