export const LANGUAGES = ["en", "de"] as const;

export type Language = (typeof LANGUAGES)[number];

export const LANGUAGE_COOKIE = "language";
export const TIME_ZONE_COOKIE = "tz";

function languageOf(tag: string): Language | undefined {
  const primary = tag.split("-")[0]?.toLowerCase();
  return LANGUAGES.find((language) => language === primary);
}

function preferred(acceptLanguage: string | null): string[] {
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
 * The language to write in, and the region whose way of writing numbers and dates to keep: a reader
 * in Britain reads English, with British dates. A choice made on the page goes before the browser's.
 */
export function chosenLocale(
  cookie: string | undefined,
  acceptLanguage: string | null,
): { language: Language; region: string } {
  const tags = preferred(acceptLanguage);
  const picked = cookie === undefined ? undefined : languageOf(cookie);
  const fitting = tags.find((tag) =>
    picked ? languageOf(tag) === picked : languageOf(tag) !== undefined,
  );
  const language = picked ?? (fitting ? languageOf(fitting) : undefined) ?? "en";
  return { language, region: fitting ?? language };
}

export function validTimeZone(zone: string | undefined): string | undefined {
  if (zone === undefined) return undefined;
  try {
    return new Intl.DateTimeFormat("en", { timeZone: zone }).resolvedOptions().timeZone;
  } catch {
    return undefined;
  }
}
