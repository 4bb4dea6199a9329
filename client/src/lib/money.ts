import { numberFormat } from "./formatters";

export const CURRENCY = "USD";

export function formatPrice(amount: number, locale: string): string {
  return numberFormat(locale, { style: "currency", currency: CURRENCY }).format(amount);
}

/** Formats a price for an input field: without the currency and without grouping. */
export function formatPriceInput(amount: number, locale: string): string {
  const twoDecimals = { minimumFractionDigits: 2, maximumFractionDigits: 2 };
  return numberFormat(locale, { ...twoDecimals, useGrouping: false }).format(amount);
}

export function toCents(amount: number): number {
  return Math.round(amount * 100);
}
