import type { Ticket } from "@/lib/api/types";
import { formatPriceInput } from "@/lib/money";
import { parsePrice } from "@/lib/price-input";
import type { TicketInput } from "./ticket-form";

export type Listing = Pick<Ticket, "title" | "price">;

/** What a seller has typed, and the listing that they saw when they began. */
export interface Edit {
  typed: TicketInput;
  base: Listing;
}

export function listingOf({ title, price }: Listing): Listing {
  return { title, price };
}

export function isSameListing(one: Listing, other: Listing): boolean {
  return one.title === other.title && one.price === other.price;
}

/** Returns what to type for a listing. */
export function typedAs({ title, price }: Listing, locale: string): TicketInput {
  return { title, price: formatPriceInput(price, locale) };
}

/** Returns whether somebody else has changed the listing into something other than what is typed. */
export function hasConflict({ typed, base }: Edit, current: Listing, locale: string): boolean {
  const price = Number(parsePrice(typed.price, locale).amount);
  const isTyped = isSameListing({ title: typed.title.trim(), price }, current);
  return !isSameListing(base, current) && !isTyped;
}
