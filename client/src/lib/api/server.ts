import "server-only";

import createClient from "openapi-fetch";
import { headers } from "next/headers";
import { cache } from "react";
import { apiUrl } from "@/config/env";
import { timeLimit } from "./time-limit";
import type { Paths } from "./types";

/** Short, so that without one service a page says within a second what is missing. */
const REQUEST_TIMEOUT_MS = 800;

/** The visitor's address is forwarded too, because the services limit the requests of each address. */
const FORWARDED_HEADERS = ["cookie", "x-request-id", "x-forwarded-for"];

/** The API client for server components. Sends the user's cookies and address. For reads only. */
export const api = cache(async () => {
  const incoming = await headers();
  return createClient<Paths>({
    baseUrl: apiUrl(),
    headers: Object.fromEntries(FORWARDED_HEADERS.map((name) => [name, incoming.get(name)])),
    cache: "no-store",
    fetch: (request) => fetch(request, { signal: timeLimit(REQUEST_TIMEOUT_MS) }),
  });
});
