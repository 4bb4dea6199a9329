/** The longest query that is accepted, in characters and parameters: rendering takes quadratic time. */
const MAX_QUERY_LENGTH = 4_096;
const MAX_QUERY_PARAMETERS = 50;

const MAX_ADDRESSES = 10_000;

/** By how much the rate and the burst of an address are divided while the thread is busy. */
const BUSY_RATE_DIVISOR = 4;
const BUSY_BURST_DIVISOR = 20;

/** Returns whether a page with this query costs too much to render. */
export function isQueryTooLong(search: string): boolean {
  return search.length > MAX_QUERY_LENGTH || search.split("&").length > MAX_QUERY_PARAMETERS;
}

/**
 * A token bucket per client address. A page takes some 20 ms of the only thread, so the limit of the
 * gateways, which is made for the API, would let one address keep everybody else waiting. While the
 * thread is busy the limit is lower, because a few addresses with the usual one would keep it so.
 */
export class PageLimit {
  /** The time at which each bucket will be full, the least recently used first. */
  private readonly fullAt = new Map<string, number>();

  constructor(
    private readonly pagesPerSecond: number,
    private readonly burst: number,
    private readonly isBusy: () => boolean = () => false,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Returns whether the address may get a page now. 0 pages per second switches the limit off. */
  take(address: string | null): boolean {
    if (address === null || this.pagesPerSecond === 0) return true;
    const now = this.now();
    const [rate, burst] = this.isBusy()
      ? [this.pagesPerSecond / BUSY_RATE_DIVISOR, this.burst / BUSY_BURST_DIVISOR]
      : [this.pagesPerSecond, this.burst];
    const fullAt = Math.max(now, this.fullAt.get(address) ?? now) + 1_000 / rate;
    if (fullAt - now > ((burst + 0.5) * 1_000) / rate) return false;
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
