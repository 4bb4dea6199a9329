import type { Messages } from "use-intl/core";
import { type ParsedPrice, parsePrice } from "./price-input";

/** The API's validation rules, so that most errors are shown before a request is sent. */

export type ProblemKey = keyof Messages["Problem"];

/** Returns what is wrong with a text, or null. */
export type Rule = (text: string) => ProblemKey | null;

export const TITLE_MAX = 200;
export const PLACE_MAX = 120;
export const SEAT_PART_MAX = 40;
export const EMAIL_MAX = 254;
export const PASSWORD_MIN = 6;
export const PASSWORD_MAX = 128;
export const PRICE_MIN = 0.5;
export const PRICE_MAX = 999_999.99;

/** Counts code points, as the services do, not UTF-16 units. */
const countCodePoints = (text: string) => Array.from(text).length;

/** Controls, line separators, and what changes the order of characters or hides text. */
const FORBIDDEN = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069\u{e0000}-\u{e007f}]/u;
const VISIBLE = /[^\p{Cf}\p{Z}\p{M}\p{Default_Ignorable_Code_Point}\u2800]/u;
const MANY_MARKS = /\p{M}{5}/u;

const line =
  (required: ProblemKey, max = TITLE_MAX, long: ProblemKey = "titleLong"): Rule =>
  (typed) => {
    const text = typed.trim();
    if (text === "") return required;
    if (countCodePoints(text) > max) return long;
    if (FORBIDDEN.test(text)) return "titleControl";
    if (!VISIBLE.test(text)) return required;
    return MANY_MARKS.test(text) ? "titleMarks" : null;
  };

export const title = line("titleRequired");
export const showName = line("showNameRequired");
export const venueName = line("venueRequired", PLACE_MAX, "placeLong");
export const city = line("cityRequired", PLACE_MAX, "placeLong");

export const seatPart: Rule = (typed) => {
  const text = typed.trim();
  if (countCodePoints(text) > SEAT_PART_MAX) return "seatLong";
  return FORBIDDEN.test(text) ? "titleControl" : null;
};

const EMAIL = /^[^\s@"]{1,64}@[^\s@]{1,255}$/u;

export const email: Rule = (typed) => {
  const text = typed.trim();
  if (!EMAIL.test(text)) return "emailInvalid";
  return countCodePoints(text) > EMAIL_MAX ? "emailLong" : null;
};

export const newPassword: Rule = (text) =>
  countCodePoints(text) < PASSWORD_MIN ? "passwordLength" : password(text);

export const password: Rule = (text) => {
  if (text === "") return "passwordRequired";
  return countCodePoints(text) > PASSWORD_MAX ? "passwordLength" : null;
};

/** Parses the price of a listing, which has limits. */
export function parseListingPrice(typed: unknown, locale: string): ParsedPrice {
  const parsed = parsePrice(typeof typed === "string" ? typed : "", locale);
  if (parsed.problem) return parsed;
  if (Number(parsed.amount) < PRICE_MIN) return { problem: "priceLow" };
  if (Number(parsed.amount) > PRICE_MAX) return { problem: "priceHigh" };
  return parsed;
}

/** Parses what a ticket cost at first, which may be unknown: an empty field. */
export function parseFaceValue(typed: unknown, locale: string): ParsedPrice {
  if (typeof typed !== "string" || typed.trim() === "") return { amount: "" };
  const parsed = parsePrice(typed, locale);
  if (parsed.problem) return parsed;
  if (Number(parsed.amount) <= 0) return { problem: "priceNumber" };
  return Number(parsed.amount) > PRICE_MAX ? { problem: "priceHigh" } : parsed;
}
