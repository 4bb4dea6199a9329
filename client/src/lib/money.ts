/** The system sells in one currency; its services keep whole cents. */
export const CURRENCY = "USD";

export function formatPrice(amount: number, locale: string): string {
  return new Intl.NumberFormat(locale, { style: "currency", currency: CURRENCY }).format(amount);
}

/** A price as its seller would type it. */
export function formatPriceInput(amount: number, locale: string): string {
  const cents = { minimumFractionDigits: 2, maximumFractionDigits: 2 };
  return new Intl.NumberFormat(locale, { ...cents, useGrouping: false }).format(amount);
}

export function cents(amount: number): number {
  return Math.round(amount * 100);
}
