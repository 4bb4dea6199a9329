export const LANGUAGES = ["en", "de"] as const;

export type Language = (typeof LANGUAGES)[number];

export const LANGUAGE_COOKIE = "language";
export const TIME_ZONE_COOKIE = "tz";

function languageFrom(tag: string): Language | undefined {
  const primary = tag.split("-")[0]?.toLowerCase();
  return LANGUAGES.find((language) => language === primary);
}

/** Returns a tag without extensions, or undefined if Intl would throw an error, as for `en-usa`. */
function canonicalTag(tag: string): string | undefined {
  try {
    return new Intl.Locale(tag).baseName;
  } catch {
    return undefined;
  }
}

/** Returns the tags of the languages that we have, the preferred one first. */
function parseAcceptLanguage(acceptLanguage: string | null): string[] {
  return (acceptLanguage ?? "")
    .split(",")
    .map((part) => {
      const [range = "", quality] = part.trim().split(/\s*;\s*q=/);
      const tag = languageFrom(range) && canonicalTag(range);
      return { tag, quality: quality === undefined ? 1 : Number(quality) || 0 };
    })
    .filter(({ quality }) => quality > 0)
    .sort((a, b) => b.quality - a.quality)
    .flatMap(({ tag }) => tag ?? []);
}

/**
 * Returns the language of the texts and the locale of numbers and dates: en-GB means English with
 * British dates. The cookie takes precedence over Accept-Language.
 */
export function negotiateLocale(
  cookie: string | undefined,
  acceptLanguage: string | null,
): { language: Language; locale: string } {
  const tags = parseAcceptLanguage(acceptLanguage);
  const chosen = cookie === undefined ? undefined : languageFrom(cookie);
  const matching = tags.find((tag) => !chosen || languageFrom(tag) === chosen);
  const language = chosen ?? (matching ? languageFrom(matching) : undefined) ?? "en";
  return { language, locale: matching ?? language };
}

export function parseTimeZone(timeZone: string | undefined): string | undefined {
  if (timeZone === undefined) return undefined;
  try {
    return new Intl.DateTimeFormat("en", { timeZone }).resolvedOptions().timeZone;
  } catch {
    return undefined;
  }
}
