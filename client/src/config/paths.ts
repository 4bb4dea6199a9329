/** Every path of the client, in one place so that a missing one fails the type check. */
export const paths = {
  home: "/",
  ticket: (id: string) => `/tickets/${id}`,
  newTicket: "/tickets/new",
  newTicketFor: (showId: string) => withShow("/tickets/new", showId),
  withdrawTicket: (id: string) => `/tickets/${id}/withdraw`,
  show: (id: string) => `/shows/${id}`,
  showImage: (id: string) => `/shows/${id}/opengraph-image`,
  siteImage: "/opengraph-image",
  newShow: "/shows/new",
  newShowNamed: (name: string, ticketId = "") =>
    `/shows/new?${new URLSearchParams({ name, ticket: ticketId }).toString()}`,
  showCalendar: (id: string) => `/shows/${id}/calendar.ics`,
  editShow: (id: string) => `/shows/${id}/edit`,
  showOfTicket: (id: string) => `/tickets/${id}/show`,
  myTickets: "/tickets/mine",
  orders: "/orders",
  order: (id: string) => `/orders/${id}`,
  pass: (id: string) => `/pass/${id}`,
  resell: (orderId: string) => `/orders/${orderId}/resell`,
  account: "/account",
  accountDone: (what: "Verify" | "Language" | "Password" | "Email") => `/account?done=${what}`,
  changeEmail: "/account/email",
  changePassword: "/account/password",
  passkeys: "/account/passkeys",
  passkeysForm: "/account/passkeys/form",
  notices: "/account/notices",
  earnings: "/account/earnings",
  statement: "/account/earnings/statement.csv",
  leave: "/account/leave",
  confirmLeave: "/account/leave/confirm",
  left: "/account/leave?done=1",
  exportAccount: "/account/export",
  help: "/help",
  helpOnProtection: "/help#protection",
  helpOnPayouts: "/help#payouts",
  contact: "/contact",
  terms: "/terms",
  privacy: "/privacy",
  imprint: "/imprint",
  signOut: "/auth/signout",
  forgot: "/auth/forgot",
  reset: "/auth/reset",
  verify: "/auth/verify",
  confirm: (next = "") => withNext("/auth/confirm", next),
  secondStep: (next = "") => withNext("/auth/second-step", next),
  keepSecondStep: "/auth/keep-second-step",
  signInForm: "/auth/signin/form",
  signUpForm: "/auth/signup/form",
  signOutForm: "/auth/signout/form",
  forgotForm: "/auth/forgot/form",
  resetForm: "/auth/reset/form",
  verifyForm: "/auth/verify/form",
  confirmForm: "/auth/confirm/form",
  secondStepForm: "/auth/second-step/form",
  secondStepRemovalForm: "/auth/second-step/removal/form",
  keepSecondStepForm: "/auth/keep-second-step/form",
  accountVerifyForm: "/account/verify/form",
  languageForm: "/account/language/form",
  changeEmailForm: "/account/email/form",
  changePasswordForm: "/account/password/form",
  noticesForm: "/account/notices/form",
  sellerForm: "/account/earnings/form",
  offerRefundForm: (orderId: string) => `/account/earnings/${orderId}/refund/form`,
  refundOffered: "/account/earnings?offered=1",
  leaveForm: "/account/leave/form",
  newTicketForm: "/tickets/new/form",
  newShowForm: "/shows/new/form",
  editShowForm: (id: string) => `/shows/${id}/edit/form`,
  showOfTicketForm: (id: string) => `/tickets/${id}/show/form`,
  withdrawForm: (id: string) => `/tickets/${id}/withdraw/form`,
  revealForm: (id: string) => `/pass/${id}/form`,
  acceptRefundForm: (orderId: string) => `/orders/${orderId}/refund/form`,
  receivedForm: (orderId: string) => `/orders/${orderId}/received/form`,
  resellForm: (orderId: string) => `/orders/${orderId}/resell/form`,
  ticketForm: (id: string) => `/tickets/${id}/form`,
  signIn: (next = "") => withNext("/auth/signin", next),
  signUp: (next = "") => withNext("/auth/signup", next),
} as const;

/** Returns the address of a form that a show is chosen for. */
export function withShow(path: string, showId: string): string {
  return `${path}?show=${encodeURIComponent(showId)}`;
}

/** Returns the address of the page of a form after it was accepted. */
export const done = (path: string) => `${path}?done=1`;

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
