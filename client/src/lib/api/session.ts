import "server-only";

import { cookies } from "next/headers";
import { redirect } from "next/navigation";
import { cache } from "react";
import { paths } from "@/config/paths";
import { toResult } from "./result";
import { accessTokenFrom, userFromToken } from "./cookies";
import { api } from "./server";
import type { User } from "./types";

/**
 * Who is asking. While auth is away, whoever the access token names: the page then still greets its
 * reader, and the services, which verify that token themselves, still decide.
 */
export const getCurrentUser = cache(async (): Promise<User | null> => {
  const token = accessTokenFrom((await cookies()).getAll());
  if (token === undefined) return null;
  const result = await toResult((await api()).GET("/api/users/currentuser"));
  return result.ok ? result.data.currentUser : userFromToken(token);
});

/** The reader, who must be signed in to see this page; sends anybody else to sign in first. */
export async function requireUser(path: string): Promise<User> {
  return (await getCurrentUser()) ?? redirect(paths.signIn(path));
}
