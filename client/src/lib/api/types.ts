import type { components as Auth, paths as AuthPaths } from "./schema/auth.gen";
import type { components as Orders, paths as OrderPaths } from "./schema/orders.gen";
import type { components as Payments, paths as PaymentPaths } from "./schema/payments.gen";
import type { components as Tickets, paths as TicketPaths } from "./schema/tickets.gen";

/** The paths of all services, generated from their OpenAPI documents. */
export interface Paths extends AuthPaths, TicketPaths, OrderPaths, PaymentPaths {}

export type User = Auth["schemas"]["UserOut"];
export type Account = Auth["schemas"]["AccountOut"];
export type Notice = Auth["schemas"]["NoticeOut"];
export type Ceremony = Auth["schemas"]["CeremonyOut"];
export type Passkey = Auth["schemas"]["PasskeyOut"];
export type SignInMethods = Auth["schemas"]["SignInMethodsOut"];
export type Session = Auth["schemas"]["SessionOut"];
export type Ticket = Tickets["schemas"]["TicketOut"];
export type TicketStatus = Ticket["status"];
export type Sort = Tickets["schemas"]["Sort"];
export type Facets = Tickets["schemas"]["FacetsOut"];
export type Show = Tickets["schemas"]["ShowOut"];
export type Category = Show["category"];
export type ShowFacts = NonNullable<Ticket["show"]>;
/** What a ticket and an order say about the file in the vault. */
export type Protection = Partial<NonNullable<Ticket["protection"]>>;
export type Seat = NonNullable<Ticket["seat"]>;
export type Order = Orders["schemas"]["OrderOut"];
export type Payment = Payments["schemas"]["PaymentOut"];
/** What its buyer and its seller see of a ticket in the vault. */
export type Pass =
  TicketPaths["/api/tickets/{ticket_id}/pass"]["get"]["responses"][200]["content"]["application/json"];
export type SellerAccount = Payments["schemas"]["SellerOut"];
export type Earnings = Payments["schemas"]["EarningsOut"];
export type Sale = Earnings["sales"][number];
export type PaymentConfig = Payments["schemas"]["ConfigOut"];

/** What a ticket and an order say about their show. */
export type PinnedShow = Pick<Show, "id" | "name" | "startsAt" | "endsAt" | "timeZone" | "venue">;
