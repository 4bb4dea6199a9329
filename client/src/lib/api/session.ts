import "server-only";

import { cookies } from "next/headers";
import { redirect } from "next/navigation";
import { setTimeout as delay } from "node:timers/promises";
import { cache } from "react";
import { paths } from "@/config/paths";
import { accessTokenFrom, isRenewalMissing, userFromToken } from "./cookies";
import { toResult } from "./result";
import { api } from "./server";
import type { User } from "./types";

const UNREAD_TIMEOUT_MS = 300;

/**
 * Returns the signed-in user. While auth is unavailable, falls back to the unverified claims of the
 * access token. That is safe for display, because every service verifies the token itself.
 */
export const getCurrentUser = cache(async (): Promise<User | null> => {
  const all = (await cookies()).getAll();
  const token = accessTokenFrom(all);
  if (token === undefined || isRenewalMissing(all)) return null;
  const result = await toResult((await api()).GET("/api/users/currentuser"));
  return result.ok ? result.data.currentUser : userFromToken(token);
});

/** Returns whether the user has a session that cannot be used until auth responds again. */
export async function isSessionUnavailable(): Promise<boolean> {
  return isRenewalMissing((await cookies()).getAll());
}

/** Returns how many messages to the user are unread. No page waits long for it: then it is 0. */
export async function getUnreadCount(): Promise<number> {
  const all = (await cookies()).getAll();
  if (accessTokenFrom(all) === undefined || isRenewalMissing(all)) return 0;
  const request = toResult((await api()).GET("/api/users/notices/unread"));
  const result = await Promise.race([request, delay(UNREAD_TIMEOUT_MS, null, { ref: false })]);
  return result?.ok ? result.data.unread : 0;
}

/** Returns the signed-in user, or redirects to the sign-in page. */
export async function requireUser(path: string): Promise<User> {
  return (await getCurrentUser()) ?? redirect(paths.signIn(path));
}
