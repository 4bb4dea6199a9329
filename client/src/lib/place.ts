interface Venue {
  name: string;
  city: string;
  country: string;
}

/** Returns "Globe Theatre, London". */
export function formatPlace({ name, city }: Venue): string {
  return `${name}, ${city}`;
}

/** Returns the name of a country in the reader's language. */
export function countryName(country: string, locale: string): string {
  return new Intl.DisplayNames(locale, { type: "region" }).of(country) ?? country;
}

/** Codes of Unicode's list of regions that are not in ISO 3166. */
const NOT_ISO = "AC CP CQ DG EA EU EZ IC TA UN XA XB XK QO ZZ";

/** Returns the countries of ISO 3166, sorted by their names in the reader's language. */
export function listCountries(locale: string): { code: string; name: string }[] {
  const names = new Intl.DisplayNames(locale, { type: "region", fallback: "none" });
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ".split("");
  const codes = letters.flatMap((first) => letters.map((second) => first + second));
  return codes
    .filter((code) => !NOT_ISO.includes(code) && new Intl.Locale(`und-${code}`).region === code)
    .flatMap((code) => {
      const name = names.of(code);
      return name ? [{ code, name }] : [];
    })
    .sort((one, other) => one.name.localeCompare(other.name, locale));
}

/** Returns the time zones of a country, or none if this browser does not know them. */
export function timeZonesOf(country: string): string[] {
  const locale: Intl.Locale & { getTimeZones?: () => string[] } = new Intl.Locale(`und-${country}`);
  return locale.getTimeZones?.() ?? [];
}
