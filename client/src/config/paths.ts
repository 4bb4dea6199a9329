/** Every path of the client, in one place so that a missing one fails the type check. */
export const paths = {
  home: "/",
  ticket: (id: string) => `/tickets/${id}`,
  newTicket: "/tickets/new",
  myTickets: "/tickets/mine",
  orders: "/orders",
  order: (id: string) => `/orders/${id}`,
  account: "/account",
  help: "/help",
  contact: "/contact",
  terms: "/terms",
  privacy: "/privacy",
  imprint: "/imprint",
  signOut: "/auth/signout",
  signInForm: "/auth/signin/form",
  signUpForm: "/auth/signup/form",
  signOutForm: "/auth/signout/form",
  newTicketForm: "/tickets/new/form",
  ticketForm: (id: string) => `/tickets/${id}/form`,
  signIn: (next = "") => withNext("/auth/signin", next),
  signUp: (next = "") => withNext("/auth/signup", next),
} as const;

function withNext(path: string, next: string): string {
  return next === "" || next === "/" ? path : `${path}?next=${encodeURIComponent(next)}`;
}

const EXTERNAL_URL = "http://elsewhere.invalid";

/** Returns where to go after signing in. Falls back to the home page unless `next` is a local path. */
export function localPath(next: unknown): string {
  if (typeof next !== "string" || !next.startsWith("/")) return paths.home;
  if (!URL.canParse(next, EXTERNAL_URL)) return paths.home;
  const url = new URL(next, EXTERNAL_URL);
  if (url.origin !== EXTERNAL_URL || url.pathname.startsWith("/auth/")) return paths.home;
  if (url.pathname.startsWith("//")) return paths.home; // the normalised form of `/.//host`
  return url.pathname + url.search;
}
