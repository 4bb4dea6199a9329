import type { Ticket } from "@/lib/api/types";
import { formatPriceInput } from "@/lib/money";
import { parseTicket, readTicketInput, type TicketInput } from "./ticket-input";

/** What a seller can change. A draft of an earlier release has only the title and the price. */
export type Listing = Pick<Ticket, "title" | "price"> & Partial<Pick<Ticket, "seat" | "faceValue">>;

/** What a seller has typed, and the listing that they saw when they began. */
export interface Edit {
  typed: TicketInput;
  base: Listing;
}

export function listingOf({ title, price, seat, faceValue }: Listing): Listing {
  return { title, price, seat: seat ?? null, faceValue: faceValue ?? null };
}

export function isSameListing(one: Listing, other: Listing): boolean {
  return fingerprint(one) === fingerprint(other);
}

function fingerprint({ title, price, seat, faceValue }: Listing): string {
  const parts = [seat?.section ?? "", seat?.row ?? "", seat?.seat ?? ""];
  return JSON.stringify([title, price, parts, faceValue ?? null]);
}

/** Returns what to type for a listing. */
export function typedAs({ title, price, seat, faceValue }: Listing, locale: string): TicketInput {
  return {
    title,
    "seat.section": seat?.section ?? "",
    "seat.row": seat?.row ?? "",
    "seat.seat": seat?.seat ?? "",
    price: formatPriceInput(price, locale),
    faceValue: faceValue ? formatPriceInput(faceValue, locale) : "",
  };
}

/** Returns whether somebody else has changed the listing into something other than what is typed. */
export function hasConflict({ typed, base }: Edit, current: Listing, locale: string): boolean {
  const { body } = parseTicket(
    readTicketInput((name) => typed[name]),
    locale,
  );
  const amount = (text: string | null) => (text === null ? null : Number(text));
  const price = body.price === "" ? Number.NaN : Number(body.price);
  const isTyped = isSameListing({ ...body, price, faceValue: amount(body.faceValue) }, current);
  return !isSameListing(base, current) && !isTyped;
}
