import type { IncomingHttpHeaders } from "node:http";
import { MAX_FORM_BYTES } from "./form-body";

/** The longest query that is accepted, in characters and parameters: rendering takes quadratic time. */
const MAX_QUERY_LENGTH = 4_096;
const MAX_QUERY_PARAMETERS = 50;

const MAX_ADDRESSES = 10_000;

/** Returns whether a page with this address costs too much to render. */
export function isQueryTooLong(url: string): boolean {
  const query = url.indexOf("?");
  if (query < 0) return false;
  return url.length - query > MAX_QUERY_LENGTH || url.split("&").length > MAX_QUERY_PARAMETERS;
}

/** Returns whether a request has no body or a small one, because Next.js keeps it in memory for `proxy.ts`. */
export function isBodyAllowed(headers: IncomingHttpHeaders): boolean {
  if (headers["transfer-encoding"] !== undefined) return false; // its size is not known
  return Number(headers["content-length"] ?? 0) <= MAX_FORM_BYTES;
}

/**
 * A token bucket per client address. A page takes some 20 ms of the only thread, so the limit of the
 * gateways, which is made for the API, would let one address keep everybody else waiting.
 */
export class PageLimit {
  /** The time at which each bucket will be full, the least recently used first. */
  private readonly fullAt = new Map<string, number>();

  constructor(
    private readonly pagesPerSecond: number,
    private readonly burst: number,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Returns whether the address may get a page now. 0 pages per second switches the limit off. */
  take(address: string | null): boolean {
    if (address === null || this.pagesPerSecond === 0) return true;
    const now = this.now();
    const pageMs = 1_000 / this.pagesPerSecond;
    const fullAt = Math.max(now, this.fullAt.get(address) ?? now) + pageMs;
    if (fullAt - now > (this.burst + 0.5) * pageMs) return false;
    this.fullAt.delete(address);
    this.fullAt.set(address, fullAt);
    if (this.fullAt.size > MAX_ADDRESSES) this.fullAt.delete(this.fullAt.keys().next().value ?? "");
    return true;
  }
}

/**
 * Returns the address that the outermost of our proxies saw, of an IPv6 address its /64, or null if the
 * request came through none. All entries before it come from the client.
 */
export function clientNetwork(forwardedFor: string | null, trustedProxies: number): string | null {
  const hops = forwardedFor?.split(",").map((hop) => hop.trim()) ?? [];
  const address = trustedProxies > 0 ? hops.at(-Math.min(trustedProxies, hops.length)) : undefined;
  if (!address) return null;
  if (!address.includes(":") || address.includes(".")) return address.replace(/^.*:/, "");
  const [head = "", tail] = address.split("::");
  const groups = head === "" ? [] : head.split(":");
  if (tail !== undefined) groups.push(...Array<string>(4).fill("0"));
  return groups.slice(0, 4).join(":");
}
