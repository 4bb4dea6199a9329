import "server-only";

import { cookies } from "next/headers";
import { redirect } from "next/navigation";
import { cache } from "react";
import { paths } from "@/config/paths";
import { answerOf } from "./result";
import { accessTokenIn, bearerOf } from "./cookies";
import { api } from "./server";
import type { User } from "./types";

/**
 * Who is asking. While auth is away, whoever the access token names: the page then still greets its
 * reader, and the services, which verify that token themselves, still decide.
 */
export const currentUser = cache(async (): Promise<User | null> => {
  const token = accessTokenIn((await cookies()).getAll());
  if (token === undefined) return null;
  const answer = await answerOf((await api()).GET("/api/users/currentuser"));
  return answer.ok ? answer.data.currentUser : bearerOf(token);
});

/** The reader, who must be signed in to see this page; sends anybody else to sign in first. */
export async function requireUser(page: string): Promise<User> {
  return (await currentUser()) ?? redirect(paths.signIn(page));
}
