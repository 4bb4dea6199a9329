import "server-only";

import { cookies } from "next/headers";

/** Keeps the challenge of the second step for a browser without script, because it must not be in a URL. */
const COOKIE = "second-step";
const MAX_AGE_SECONDS = 300;

export function secondStepCookie(challengeId: string): string {
  const value = encodeURIComponent(challengeId);
  return `${COOKIE}=${value}; Max-Age=${MAX_AGE_SECONDS}; Path=/auth; HttpOnly; SameSite=Lax`;
}

export async function getSecondStep(): Promise<string | undefined> {
  return (await cookies()).get(COOKIE)?.value;
}
