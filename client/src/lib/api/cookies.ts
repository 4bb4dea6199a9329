import type { User } from "./types";

interface Cookie {
  name: string;
  value: string;
}

const SECURE_PREFIX = "__Host-";
const EARLY_SECONDS = 10;

function valueOf(cookies: Cookie[], name: string): string | undefined {
  const found =
    cookies.find((cookie) => cookie.name === SECURE_PREFIX + name) ??
    cookies.find((cookie) => cookie.name === name);
  return found?.value === "" ? undefined : found?.value;
}

export const accessTokenIn = (cookies: Cookie[]) => valueOf(cookies, "session");
export const refreshTokenIn = (cookies: Cookie[]) => valueOf(cookies, "refresh");

/** Reads a token without verifying it: good for showing and for renewing in time, for nothing else. */
function claimsIn(token: string): Record<string, unknown> | null {
  try {
    const payload = Buffer.from(token.split(".")[1] ?? "", "base64url").toString();
    const claims: unknown = JSON.parse(payload);
    return typeof claims === "object" ? (claims as Record<string, unknown> | null) : null;
  } catch {
    return null;
  }
}

export function expired(token: string, now: number): boolean {
  const expires = claimsIn(token)?.exp;
  return typeof expires !== "number" || expires - EARLY_SECONDS <= now / 1000;
}

export function bearerOf(token: string): User | null {
  const claims = claimsIn(token);
  const { sub, email } = claims ?? {};
  if (typeof sub !== "string" || typeof email !== "string") return null;
  return expired(token, Date.now()) ? null : { id: sub, email };
}
