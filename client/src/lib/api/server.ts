import "server-only";

import createClient from "openapi-fetch";
import { headers } from "next/headers";
import { cache } from "react";
import { apiUrl } from "@/config/env";
import type { Paths } from "./types";

const PATIENCE_MS = 5_000;

/** The API as the reader of this page may see it: their cookies go along. Reads only. */
export const api = cache(async () => {
  const cookie = (await headers()).get("cookie");
  return createClient<Paths>({
    baseUrl: apiUrl(),
    headers: cookie ? { cookie } : {},
    cache: "no-store",
    fetch: (request) => fetch(request, { signal: AbortSignal.timeout(PATIENCE_MS) }),
  });
});
