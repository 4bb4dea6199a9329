/** Returns the country whose conventions a locale follows: AT for de-AT, DE for de. */
export function regionOf(locale: string): string {
  return new Intl.Locale(locale).maximize().region ?? "US";
}
