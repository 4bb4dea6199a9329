"use client";

import { noteResponseDate } from "../server-clock";
import { createSmallClient } from "./small-client";

let refreshing: Promise<boolean> | undefined;

/** Refreshes the session's cookies. Concurrent calls share one request. */
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

async function fetchAndReadClock(request: Request): Promise<Response> {
  const sentAt = performance.now();
  const response = await fetch(request);
  noteResponseDate(response.headers.get("date"), sentAt);
  return response;
}

/** Retries once after a 401, because a page may stay open for longer than an access token is valid. */
async function fetchWithRefresh(request: Request): Promise<Response> {
  const retry = request.clone();
  const response = await fetchAndReadClock(request);
  if (response.status !== 401) return response;
  return (await refreshSession()) ? fetchAndReadClock(retry) : response;
}

/** The API client for the browser. Same origin, so that the browser sends and stores the cookies. */
export const api = createSmallClient("", fetchWithRefresh);
