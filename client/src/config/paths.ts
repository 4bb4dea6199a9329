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

const ELSEWHERE = "http://elsewhere.invalid";

/** Where to go after signing in: a path of ours, whatever the address bar says. */
export function localPath(next: unknown): string {
  if (typeof next !== "string" || !next.startsWith("/")) return paths.home;
  if (!URL.canParse(next, ELSEWHERE)) return paths.home;
  const url = new URL(next, ELSEWHERE);
  if (url.origin !== ELSEWHERE || url.pathname.startsWith("/auth/")) return paths.home;
  if (url.pathname.startsWith("//")) return paths.home; // what `/.//host` becomes
  return url.pathname + url.search;
}
