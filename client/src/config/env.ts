import "server-only";

/** Where the server side reads the API: the gateway's own address. Read while running, never built in. */
export function apiUrl(): string {
  return process.env.API_URL ?? "http://localhost:8080";
}
