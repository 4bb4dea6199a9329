import "server-only";

import createClient from "openapi-fetch";
import { headers } from "next/headers";
import { cache } from "react";
import { apiUrl } from "@/config/env";
import type { Paths } from "./types";

const REQUEST_TIMEOUT_MS = 5_000;

/** The visitor's address is forwarded too, because the services limit the requests of each address. */
const FORWARDED_HEADERS = ["cookie", "x-request-id", "x-forwarded-for"];

/** The API client for server components. Sends the user's cookies and address. For reads only. */
export const api = cache(async () => {
  const incoming = await headers();
  return createClient<Paths>({
    baseUrl: apiUrl(),
    headers: Object.fromEntries(FORWARDED_HEADERS.map((name) => [name, incoming.get(name)])),
    cache: "no-store",
    fetch: (request) => fetch(request, { signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) }),
  });
});
