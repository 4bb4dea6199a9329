import { dateFormat, kept } from "./formatters";

/** When a show is, in the time zone of its place. */
export interface ShowSpan {
  startsAt: string;
  endsAt: string;
  timeZone: string;
}

/** Returns the zone, or UTC if this browser does not know it. */
function knownZone(timeZone: string): string {
  return kept(`zone ${timeZone}`, () => {
    try {
      return new Intl.DateTimeFormat("en", { timeZone }).resolvedOptions().timeZone;
    } catch {
      return "UTC";
    }
  });
}

/** Returns "Saturday, December 12, 2026 at 8:00 – 10:30 PM", local to the show. */
export function formatShowSpan({ startsAt, endsAt, timeZone }: ShowSpan, locale: string): string {
  return dateFormat(locale, {
    dateStyle: "full",
    timeStyle: "short",
    timeZone: knownZone(timeZone),
  }).formatRange(new Date(startsAt), new Date(endsAt));
}

/** Returns "Sat, Dec 12, 8:00 PM", local to the show, with the year if it is another one. */
export function formatShowStart(show: ShowSpan, locale: string, now: number): string {
  const timeZone = knownZone(show.timeZone);
  const startsAt = new Date(show.startsAt);
  return dateFormat(locale, {
    weekday: "short",
    day: "numeric",
    month: "short",
    hour: "numeric",
    minute: "2-digit",
    timeZone,
    ...(localDate(startsAt, timeZone).slice(0, 4) !== localDate(now, timeZone).slice(0, 4) && {
      year: "numeric",
    }),
  }).format(startsAt);
}

/** Returns the name of the show's time zone, such as "Central European Standard Time". */
export function formatZone({ startsAt, timeZone }: ShowSpan, locale: string): string {
  const zone = knownZone(timeZone);
  const format = dateFormat(locale, { timeZoneName: "long", timeZone: zone });
  const name = format.formatToParts(new Date(startsAt)).find(({ type }) => type === "timeZoneName");
  return name?.value ?? zone;
}

/** Returns the start on the reader's clock, or null if it shows the same time as the show's. */
export function readersStart(show: ShowSpan, readerZone: string, locale: string): string | null {
  const startsAt = new Date(show.startsAt);
  const minute = (timeZone: string) =>
    dateFormat("en", { dateStyle: "short", timeStyle: "short", timeZone }).format(startsAt);
  const showZone = knownZone(show.timeZone);
  if (minute(readerZone) === minute(showZone)) return null;
  const isSameDay = localDate(startsAt, readerZone) === localDate(startsAt, showZone);
  return dateFormat(locale, {
    ...(!isSameDay && { weekday: "short", day: "numeric", month: "short" }),
    hour: "numeric",
    minute: "2-digit",
    timeZone: readerZone,
  }).format(startsAt);
}

/** Returns the date in a time zone, as YYYY-MM-DD. */
export function localDate(at: Date | number | string, timeZone: string): string {
  const format = dateFormat("en", {
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    timeZone: knownZone(timeZone),
  });
  const parts = Object.fromEntries(
    format.formatToParts(new Date(at)).map(({ type, value }) => [type, value]),
  );
  return `${parts.year ?? ""}-${parts.month ?? ""}-${parts.day ?? ""}`;
}

/** Returns the date and time in a time zone, as YYYY-MM-DDTHH:MM. */
export function localTime(at: string, timeZone: string): string {
  const format = dateFormat("en-GB", {
    hour: "2-digit",
    minute: "2-digit",
    timeZone: knownZone(timeZone),
  });
  return `${localDate(at, timeZone)}T${format.format(new Date(at))}`;
}

/** Returns "Sat, Dec 12" for a date YYYY-MM-DD, or null if there is no such day. */
export function formatDay(date: string, locale: string): string | null {
  const midnight = new Date(`${date}T00:00:00Z`);
  if (!/^\d{4}-\d{2}-\d{2}$/.test(date) || Number.isNaN(midnight.getTime())) return null;
  if (!midnight.toISOString().startsWith(date)) return null; // February 31 is read as March 3
  return dateFormat(locale, {
    weekday: "short",
    day: "numeric",
    month: "short",
    timeZone: "UTC",
  }).format(midnight);
}

/** Returns "Sat, Dec 12" for a single day, and "Sat, Dec 12 – Sun, Dec 13" for several, whose ends may be open. */
export function formatDays(from: string, to: string, locale: string): string {
  const days = [...new Set([from, to])].map((date) => formatDay(date, locale) ?? "");
  return days.join(" – ").trim();
}

/** Returns the offset from UTC in a zone at an instant, such as "+02:00". */
export function offsetAt(at: string | number, timeZone: string): string {
  const zone = knownZone(timeZone);
  const format = dateFormat("en", { timeZoneName: "longOffset", timeZone: zone });
  const parts = format.formatToParts(new Date(at));
  const name = parts.find(({ type }) => type === "timeZoneName")?.value ?? "";
  return name.replace(/^GMT/, "") || "+00:00";
}

/**
 * Returns the offsets from UTC, such as "+02:00", with which a local time exists in a zone, the earlier
 * instant first: none for a time that the clocks skip, two for one that they show twice.
 */
export function offsetsOf(local: string, timeZone: string): string[] {
  const asUtc = Date.parse(`${local}Z`);
  if (Number.isNaN(asUtc)) return [];
  const around = new Set([-1, 1].map((days) => offsetAt(asUtc + days * 86_400_000, timeZone)));
  return [...around].filter((offset) => offsetAt(local + offset, timeZone) === offset);
}
