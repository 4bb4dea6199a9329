import type { NextRequest } from "next/server";
import { apiUrl } from "@/config/env";
import { accessTokenIn, expired, refreshTokenIn } from "./api/cookies";

const PATIENCE_MS = 3_000;

export interface Renewal {
  /** The Cookie header for the page that is rendered now. */
  cookie: string;
  /** The Set-Cookie headers for the browser. */
  setCookies: string[];
}

/**
 * Renews a session on the way to a page, when its access token is gone or about to expire and its
 * refresh token is there. A convenience, never a guard: the services decide who may do what.
 */
export async function renewal(request: NextRequest): Promise<Renewal | null> {
  const cookies = request.cookies.getAll();
  const access = accessTokenIn(cookies);
  if (refreshTokenIn(cookies) === undefined) return null;
  if (access !== undefined && !expired(access, Date.now())) return null;
  let response: Response;
  try {
    response = await fetch(`${apiUrl()}/api/users/refresh`, {
      method: "POST",
      headers: { ...forwarded(request), "content-type": "application/json" },
      body: "{}",
      cache: "no-store",
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
  } catch {
    return null; // auth is away: the page is rendered for whom it can
  }
  const setCookies = response.headers.getSetCookie();
  if (setCookies.length === 0) return null;
  return { cookie: applied(cookies, setCookies), setCookies };
}

/** The session's list of devices shall name the reader's browser, not this server. */
function forwarded(request: NextRequest): Record<string, string> {
  const names = ["cookie", "user-agent", "x-forwarded-for"];
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = request.headers.get(name);
      return value === null ? [] : [[name, value]];
    }),
  );
}

function applied(cookies: { name: string; value: string }[], setCookies: string[]): string {
  const jar = new Map(cookies.map(({ name, value }) => [name, value]));
  for (const line of setCookies) {
    const [pair = ""] = line.split(";");
    const at = pair.indexOf("=");
    const [name, value] = [pair.slice(0, at).trim(), pair.slice(at + 1).trim()];
    if (value === "" || value === '""') jar.delete(name);
    else jar.set(name, value);
  }
  return Array.from(jar, ([name, value]) => `${name}=${value}`).join("; ");
}
