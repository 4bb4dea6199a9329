/** Every address of the client, so that a renamed page breaks the build and not a link. */
export const paths = {
  home: "/",
  ticket: (id: string) => `/tickets/${id}`,
  newTicket: "/tickets/new",
  myTickets: "/tickets/mine",
  orders: "/orders",
  order: (id: string) => `/orders/${id}`,
  account: "/account",
  signUp: "/auth/signup",
  signOut: "/auth/signout",
  signIn: (next?: string) =>
    next ? `/auth/signin?next=${encodeURIComponent(next)}` : "/auth/signin",
} as const;

const ELSEWHERE = "http://elsewhere.invalid";

/** Where to go after signing in: a path of ours, whatever the address bar says. */
export function localPath(next: unknown): string {
  if (typeof next !== "string" || !next.startsWith("/")) return paths.home;
  if (!URL.canParse(next, ELSEWHERE)) return paths.home;
  const url = new URL(next, ELSEWHERE);
  if (url.origin !== ELSEWHERE || url.pathname.startsWith("/auth/")) return paths.home;
  return url.pathname + url.search;
}
