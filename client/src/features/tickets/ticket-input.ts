import type { Seat } from "@/lib/api/types";
import { parseFaceValue, parseListingPrice, type ProblemKey } from "@/lib/validation";

/** The fields of the form, named as the API names them in its errors. */
export const TICKET_FIELDS = [
  "title",
  "seat.section",
  "seat.row",
  "seat.seat",
  "price",
  "faceValue",
] as const;

/** What is typed into the form. */
export type TicketInput = Record<(typeof TICKET_FIELDS)[number], string>;

/** A ticket as the API takes it. What is null is removed. */
export interface TicketBody {
  title: string;
  price: string;
  seat: Seat | null;
  faceValue: string | null;
}

/** Reads what was typed from a form, a query or a draft, in which fields may be missing. */
export function readTicketInput(
  read: (name: (typeof TICKET_FIELDS)[number]) => string | null | undefined,
): TicketInput {
  return Object.fromEntries(TICKET_FIELDS.map((name) => [name, read(name) ?? ""])) as TicketInput;
}

/** Returns the ticket, and what is wrong with its prices, which only the form reads. */
export function parseTicket(
  typed: TicketInput,
  locale: string,
): { body: TicketBody; problems: { field: string; message: ProblemKey }[] } {
  const price = parseListingPrice(typed.price, locale);
  const faceValue = parseFaceValue(typed.faceValue, locale);
  return {
    body: {
      title: typed.title.trim(),
      price: price.amount ?? "",
      seat: seatOf(typed),
      faceValue: faceValue.amount === "" ? null : (faceValue.amount ?? null),
    },
    problems: [
      ...(price.problem ? [{ field: "price", message: price.problem }] : []),
      ...(faceValue.problem ? [{ field: "faceValue", message: faceValue.problem }] : []),
    ],
  };
}

function seatOf(typed: TicketInput): Seat | null {
  const parts = (["section", "row", "seat"] as const).flatMap((part) => {
    const name = typed[`seat.${part}`].trim();
    return name ? [[part, name] as const] : [];
  });
  return parts.length > 0 ? Object.fromEntries(parts) : null;
}
