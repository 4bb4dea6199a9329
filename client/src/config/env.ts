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

/** Who runs the site, for the pages that they have to answer for. An empty value is not set. */
export function siteOperator(): { operator: string; address: string; email: string } {
  const { SITE_OPERATOR = "", SITE_ADDRESS = "", SITE_EMAIL = "" } = process.env;
  return { operator: SITE_OPERATOR, address: SITE_ADDRESS, email: SITE_EMAIL };
}

function numberFrom(text: string | undefined, otherwise: number): number {
  const value = Number.parseFloat(text ?? "");
  return value >= 0 ? value : otherwise;
}
