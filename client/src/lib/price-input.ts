import { numberFormat } from "./formatters";
import { CURRENCY, formatPrice } from "./money";
import type { ProblemKey } from "./validation";

/** A typed price as the API takes it, or why it is none. */
export type ParsedPrice =
  | { amount: string; problem?: never }
  | { problem: ProblemKey; /** The amount that may be meant. */ amount?: string };

const PLAIN = /^\d*$/;
const GROUPED = /^\d{1,3}(?:([.,'])\d{3})(?:\1\d{3})*$/;
const GROUPED_IN_INDIA = /^\d{1,2}(?:,\d{2})*,\d{3}$/;

/**
 * Parses a price as it is written in the region of the locale, or in any other way that can be read only
 * once. What is a thousand in one region and has three decimals in another is a problem, never a guess:
 * "1,000" is a thousand for an American, and a German is asked.
 */
export function parsePrice(typed: string, locale: string): ParsedPrice {
  const text = typed
    .trim()
    .replace(/^(?:US\$|\$|USD)\s*|\s*(?:US\$|\$|USD)$/gi, "")
    .replace(/[\s'’]/g, "'");
  if (text === "") return { problem: "priceRequired" };
  if (!/\d/.test(text)) return { problem: "priceNumber" };

  const decimal = findDecimalSeparator(text, locale);
  if (decimal === "ambiguous") {
    return { problem: "priceAmbiguous", amount: text.replace(/\D/g, "") };
  }
  const end = decimal === null ? text.length : text.indexOf(decimal);
  const [whole, fraction] = [text.slice(0, end), text.slice(end + 1)];
  if (!isWholeNumber(whole, decimal) || !PLAIN.test(fraction)) return { problem: "priceNumber" };
  if (fraction.length > 2) return { problem: "priceDecimals" };
  return { amount: (whole.replace(/\D/g, "") || "0") + (fraction && `.${fraction}`) };
}

/** Returns the text of a problem, for the field. */
export function priceProblem(
  { problem, amount = "" }: { problem: ProblemKey; amount?: string },
  translate: (key: ProblemKey, values?: Record<string, string>) => string,
  locale: string,
): string {
  if (problem !== "priceAmbiguous") return translate(problem);
  return translate(problem, { digits: amount, price: formatPrice(Number(amount), locale) });
}

function findDecimalSeparator(text: string, locale: string): "." | "," | "ambiguous" | null {
  const last = text.includes(",") && text.lastIndexOf(",") > text.lastIndexOf(".") ? "," : ".";
  const count = text.split(last).length - 1;
  if (count === 0) return null;
  const hasOther = /[.,']/.test(text.replaceAll(last, ""));
  if (hasOther) return last;
  if (count > 1) return null; // 1,000,000
  if (!/^[1-9]\d{0,2}[.,]\d{3}$/.test(text)) return last;
  return last === groupSeparator(locale) ? null : "ambiguous";
}

function groupSeparator(locale: string): string | undefined {
  const format = numberFormat(locale, { style: "currency", currency: CURRENCY });
  return format.formatToParts(1_234_567).find(({ type }) => type === "group")?.value;
}

function isWholeNumber(text: string, decimal: string | null): boolean {
  if (PLAIN.test(text)) return true;
  if (decimal !== null && text.includes(decimal)) return false;
  return GROUPED.test(text) || GROUPED_IN_INDIA.test(text);
}
