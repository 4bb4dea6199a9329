import type { NextRequest } from "next/server";
import { apiUrl } from "@/config/env";
import { pickHeaders } from "./api/pick-headers";
import { timeLimit } from "./api/time-limit";
import { accessTokenFrom, isExpired, refreshTokenFrom } from "./api/cookies";

const REQUEST_TIMEOUT_MS = 800;

/** What auth stores with the session, so that it lists the user's browser, not this server. */
const FORWARDED_HEADERS = ["cookie", "user-agent", "x-forwarded-for"];

export interface Renewal {
  /** The Cookie header for rendering the current page. */
  cookie: string;
  /** The Set-Cookie headers for the browser's response. */
  setCookies: string[];
}

/**
 * Renews the session before a page is rendered if the access token is missing or about to expire. This
 * is a convenience, not access control: the services authorize every request.
 */
export async function renewSession(request: NextRequest): Promise<Renewal | null> {
  const cookies = request.cookies.getAll();
  const access = accessTokenFrom(cookies);
  if (refreshTokenFrom(cookies) === undefined) return null;
  if (access !== undefined && !isExpired(access, Date.now())) return null;
  let response: Response;
  try {
    response = await fetch(`${apiUrl()}/api/users/refresh`, {
      method: "POST",
      headers: {
        ...pickHeaders(request.headers, FORWARDED_HEADERS),
        "content-type": "application/json",
      },
      body: "{}",
      cache: "no-store",
      signal: timeLimit(REQUEST_TIMEOUT_MS),
    });
  } catch {
    return null; // auth is unavailable: render without renewal
  }
  const setCookies = response.headers.getSetCookie();
  if (setCookies.length === 0) return null;
  return { cookie: applySetCookies(cookies, setCookies), setCookies };
}

function applySetCookies(cookies: { name: string; value: string }[], setCookies: string[]): string {
  const values = new Map(cookies.map(({ name, value }) => [name, value]));
  for (const line of setCookies) {
    const [pair = ""] = line.split(";");
    const separator = pair.indexOf("=");
    const [name, value] = [pair.slice(0, separator).trim(), pair.slice(separator + 1).trim()];
    if (value === "" || value === '""') values.delete(name);
    else values.set(name, value);
  }
  return Array.from(values, ([name, value]) => `${name}=${value}`).join("; ");
}
