import * as z from "zod/mini";
import type { Messages } from "use-intl/core";

/** The API's validation rules, so that most errors are shown before a request is sent. */

export type ProblemKey = keyof Messages["Problem"];

const key = (name: ProblemKey) => name;

export const TITLE_MAX = 200;
export const EMAIL_MAX = 254;
export const PASSWORD_MIN = 6;
export const PASSWORD_MAX = 128;
export const PRICE_MIN = 0.5;
export const PRICE_MAX = 999_999.99;

/** Counts code points, as the services do, not UTF-16 units. */
const countCodePoints = (text: string) => Array.from(text).length;

export const title = z.string().check(
  z.trim(),
  z.minLength(1, key("titleRequired")),
  z.refine((text) => countCodePoints(text) <= TITLE_MAX, key("titleLong")),
  z.refine((text) => !/[\p{Cc}\p{Cs}]/u.test(text), key("titleControl")),
);

export const email = z.string().check(
  z.trim(),
  z.regex(z.regexes.unicodeEmail, key("emailInvalid")),
  z.refine((text) => countCodePoints(text) <= EMAIL_MAX, key("emailLong")),
);

export const newPassword = z
  .string()
  .check(
    z.refine(
      (text) => countCodePoints(text) >= PASSWORD_MIN && countCodePoints(text) <= PASSWORD_MAX,
      key("passwordLength"),
    ),
  );

export const password = z.string().check(
  z.minLength(1, key("passwordRequired")),
  z.refine((text) => countCodePoints(text) <= PASSWORD_MAX, key("passwordLength")),
);

/** Parses a typed price, with a decimal point or comma, into a numeric string. */
export const price = z.pipe(
  z.pipe(
    z.string(),
    z.transform((text) =>
      text
        .trim()
        .replace(/^\$\s*|\s*\$$/g, "")
        .replace(",", "."),
    ),
  ),
  z.string().check(
    z.minLength(1, key("priceRequired")),
    z.regex(/^\d+(\.\d*)?$|^\.\d+$/, { error: key("priceNumber"), abort: true }),
    z.regex(/^\d*(\.\d{0,2})?$/, key("priceDecimals")),
    z.refine((text) => Number(text) >= PRICE_MIN, key("priceLow")),
    z.refine((text) => Number(text) <= PRICE_MAX, key("priceHigh")),
  ),
);

/** Returns the message key of the first validation error, or null. */
export function validate(rule: z.ZodMiniType, value: unknown): ProblemKey | null {
  const result = z.safeParse(rule, value ?? "");
  return result.success ? null : ((result.error.issues[0]?.message ?? "unexpected") as ProblemKey);
}
