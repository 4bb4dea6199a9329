/** Every address of the client, so that a renamed page breaks the build and not a link. */
export const paths = {
  home: "/",
  ticket: (id: string) => `/tickets/${id}`,
  newTicket: "/tickets/new",
  myTickets: "/tickets/mine",
  orders: "/orders",
  order: (id: string) => `/orders/${id}`,
  account: "/account",
  signOut: "/auth/signout",
  signIn: (next = "") => withNext("/auth/signin", next),
  signUp: (next = "") => withNext("/auth/signup", next),
} as const;

function withNext(path: string, next: string): string {
  return next === "" || next === "/" ? path : `${path}?next=${encodeURIComponent(next)}`;
}

const EXTERNAL_URL = "http://elsewhere.invalid";

/** Where to go after signing in: a path of ours, whatever the address bar says. */
export function localPath(next: unknown): string {
  if (typeof next !== "string" || !next.startsWith("/")) return paths.home;
  if (!URL.canParse(next, EXTERNAL_URL)) return paths.home;
  const url = new URL(next, EXTERNAL_URL);
  if (url.origin !== EXTERNAL_URL || url.pathname.startsWith("/auth/")) return paths.home;
  if (url.pathname.startsWith("//")) return paths.home; // what `/.//host` becomes
  return url.pathname + url.search;
}
