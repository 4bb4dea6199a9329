import "server-only";

import { headers } from "next/headers";

/** Returns the origin at which the visitor sees this site, such as "https://ticketing.dev". */
export async function requestOrigin(): Promise<string> {
  const incoming = await headers();
  const host = incoming.get("x-forwarded-host") ?? incoming.get("host") ?? "localhost";
  const origin = `${incoming.get("x-forwarded-proto") === "https" ? "https" : "http"}://${host}`;
  return URL.canParse(origin) ? new URL(origin).origin : "http://localhost";
}
