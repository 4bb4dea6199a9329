import type { NextRequest } from "next/server";
import { apiUrl } from "@/config/env";
import { paths } from "@/config/paths";

const REQUEST_TIMEOUT_MS = 1_000;
const TICKET_ORDER_OR_SHOW =
  /^\/(?:(?:tickets|orders|shows)\/[^/]+|tickets\/[^/]+\/(?:withdraw|show)|shows\/[^/]+\/edit|orders\/[^/]+\/resell)$/;
const PAGES: ReadonlySet<unknown> = new Set(Object.values(paths));

/**
 * Returns whether an address leads nowhere: it cannot be decoded, or its ticket, order or show does not
 * exist or is not for this user. Pages call `notFound()` too, which suffices for navigations by script. In a
 * document it would leave the body empty until scripts run: React has no error boundaries on the server.
 */
export async function isMissingPage(request: NextRequest, cookie: string): Promise<boolean> {
  const path = request.nextUrl.pathname;
  if (!isDecodable(path)) return true;
  const isDocument = (request.headers.get("sec-fetch-dest") ?? "document") === "document";
  if (!isDocument || !TICKET_ORDER_OR_SHOW.test(path) || PAGES.has(path)) return false;
  const headers = { cookie, "x-forwarded-for": request.headers.get("x-forwarded-for") ?? "" };
  try {
    const apiPath = path
      .replace(/^\/shows/, "/tickets/shows")
      .replace(/\/(?:withdraw|show|edit|resell)$/, "");
    const found = await callApi(apiPath, "HEAD", headers);
    if (found.status !== 401) return found.status === 404;
    const session = await callApi("/users/currentuser", "GET", headers);
    const { currentUser } = (await session.json()) as { currentUser?: object | null };
    return Boolean(currentUser); // the order belongs to someone else
  } catch {
    return false; // the page says what is unavailable
  }
}

function callApi(path: string, method: string, headers: Record<string, string>): Promise<Response> {
  const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
  return fetch(`${apiUrl()}/api${path}`, { method, headers, cache: "no-store", signal });
}

function isDecodable(path: string): boolean {
  try {
    decodeURIComponent(path);
    return true;
  } catch {
    return false;
  }
}
