import "server-only";

import { getReaderLocale, getTranslations } from "@/i18n/server";
import { CATEGORIES } from "@/lib/categories";
import { listCountries } from "@/lib/place";

/** Returns the choices of the form of a show, with the time zones that are chosen or likely. */
export async function getShowOptions(likelyZones: string[]) {
  const [category, { locale }] = await Promise.all([
    getTranslations("Category"),
    getReaderLocale(),
  ]);
  return {
    categories: CATEGORIES.map((value) => ({ value, label: category(value) })),
    countries: listCountries(locale).map(({ code, name }) => ({ value: code, label: name })),
    timeZones: zonesWith(likelyZones).map((zone) => ({
      value: zone,
      label: zone.replaceAll("_", " "),
    })),
  };
}

/** Returns the time zones of this server's Unicode data, with others, such as former names. */
function zonesWith(others: string[]): string[] {
  return [...new Set([...Intl.supportedValuesOf("timeZone"), ...others, "UTC"])].sort();
}
