import "server-only";

/** Returns the gateway's address for requests from the server. Read at run time, not at build time. */
export function apiUrl(): string {
  return process.env.API_URL ?? "http://localhost:8080";
}

/** Pages per second that one address may get; 0 for any number. */
export function pagesPerSecond(): number {
  return numberFrom(process.env.ADDRESS_PAGES_PER_SECOND, 20);
}

/** Pages that one address may get at once after a pause. */
export function pageBurst(): number {
  return numberFrom(process.env.ADDRESS_PAGE_BURST, 100);
}

/** The number of our own proxies in front of this server, as for the services. */
export function trustedProxies(): number {
  return numberFrom(process.env.TRUSTED_PROXIES, 1);
}

function numberFrom(text: string | undefined, otherwise: number): number {
  const value = Number.parseFloat(text ?? "");
  return value >= 0 ? value : otherwise;
}
