import "server-only";

/** Returns the gateway's address for requests from the server. Read at run time, not at build time. */
export function apiUrl(): string {
  return process.env.API_URL ?? "http://localhost:8080";
}
