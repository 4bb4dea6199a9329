import type { User } from "./types";

interface Cookie {
  name: string;
  value: string;
}

const SECURE_PREFIX = "__Host-";
const EXPIRY_MARGIN_SECONDS = 10;

function cookieValue(cookies: Cookie[], name: string): string | undefined {
  const found =
    cookies.find((cookie) => cookie.name === SECURE_PREFIX + name) ??
    cookies.find((cookie) => cookie.name === name);
  return found?.value === "" ? undefined : found?.value;
}

export const accessTokenFrom = (cookies: Cookie[]) => cookieValue(cookies, "session");
export const refreshTokenFrom = (cookies: Cookie[]) => cookieValue(cookies, "refresh");

/** Decodes a token without verifying it. Use only for display and to decide when to renew. */
function decodeClaims(token: string): Record<string, unknown> | null {
  try {
    const payload = Buffer.from(token.split(".")[1] ?? "", "base64url").toString();
    const claims: unknown = JSON.parse(payload);
    return typeof claims === "object" ? (claims as Record<string, unknown> | null) : null;
  } catch {
    return null;
  }
}

export function isExpired(token: string, now: number): boolean {
  const expiresAt = decodeClaims(token)?.exp;
  return typeof expiresAt !== "number" || expiresAt - EXPIRY_MARGIN_SECONDS <= now / 1000;
}

/**
 * Returns whether there is a session that could not be renewed, because auth did not respond: a session
 * that has ended has no refresh token any more.
 */
export function isRenewalMissing(cookies: Cookie[]): boolean {
  const token = accessTokenFrom(cookies);
  if (refreshTokenFrom(cookies) === undefined) return false;
  return token === undefined || isExpired(token, Date.now());
}

export function userFromToken(token: string): User | null {
  const claims = decodeClaims(token);
  const { sub, email } = claims ?? {};
  if (typeof sub !== "string" || typeof email !== "string") return null;
  return isExpired(token, Date.now()) ? null : { id: sub, email };
}
