export const LANGUAGES = ["en", "de"] as const;

export type Language = (typeof LANGUAGES)[number];

export const LANGUAGE_COOKIE = "language";
export const TIME_ZONE_COOKIE = "tz";

function languageFrom(tag: string): Language | undefined {
  const primary = tag.split("-")[0]?.toLowerCase();
  return LANGUAGES.find((language) => language === primary);
}

function parseAcceptLanguage(acceptLanguage: string | null): string[] {
  return (acceptLanguage ?? "")
    .split(",")
    .map((part) => {
      const [tag = "", quality] = part.trim().split(/\s*;\s*q=/);
      return { tag, quality: quality === undefined ? 1 : Number(quality) || 0 };
    })
    .filter(({ tag, quality }) => quality > 0 && /^[a-z]{2,3}(-[a-z0-9]{2,8})*$/i.test(tag))
    .sort((a, b) => b.quality - a.quality)
    .map(({ tag }) => tag);
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
  const matching = tags.find((tag) =>
    chosen ? languageFrom(tag) === chosen : languageFrom(tag) !== undefined,
  );
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
