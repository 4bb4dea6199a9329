const MAX_FORMATTERS = 200;

const formatters = new Map<string, unknown>();

/** Returns what was created for this key before: a formatter takes far longer to create than to use. */
export function kept<T>(key: string, create: () => T): T {
  const existing = formatters.get(key) as T | undefined;
  if (existing !== undefined) return existing;
  const created = create();
  // A visitor chooses the locale, so the oldest one is dropped beyond a limit.
  if (formatters.size >= MAX_FORMATTERS) formatters.delete(formatters.keys().next().value ?? "");
  formatters.set(key, created);
  return created;
}

export function dateFormat(
  locale: string,
  options: Intl.DateTimeFormatOptions,
): Intl.DateTimeFormat {
  const key = `date ${locale} ${JSON.stringify(options)}`;
  return kept(key, () => new Intl.DateTimeFormat(locale, options));
}

export function numberFormat(locale: string, options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = `number ${locale} ${JSON.stringify(options)}`;
  return kept(key, () => new Intl.NumberFormat(locale, options));
}

export function relativeTimeFormat(locale: string): Intl.RelativeTimeFormat {
  return kept(`ago ${locale}`, () => new Intl.RelativeTimeFormat(locale, { numeric: "auto" }));
}
