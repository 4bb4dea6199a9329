import "server-only";

import { cookies } from "next/headers";

/** Keeps the typed email while the form is shown again, because it must not be in a URL. */
const COOKIE = "typed-email";
const MAX_AGE_SECONDS = 60;

export function typedEmailCookie(email: string): string {
  const value = encodeURIComponent(email.slice(0, 254));
  return `${COOKIE}=${value}; Max-Age=${MAX_AGE_SECONDS}; Path=/auth; HttpOnly; SameSite=Lax`;
}

export async function getTypedEmail(): Promise<string> {
  return (await cookies()).get(COOKIE)?.value ?? "";
}
