import { dateFormat, relativeTimeFormat } from "./formatters";

/** Returns the time until which an order can be paid: Stripe needs the last seconds before it expires. */
export function payableUntil(order: { expiresAt: string }, marginSeconds?: number | null): number {
  return Date.parse(order.expiresAt) - (marginSeconds ?? 0) * 1000;
}

/** Returns the seconds left, rounded up, and never below zero. */
export function secondsLeft(until: number, now: number): number {
  return Math.max(0, Math.ceil((until - now) / 1000));
}

export function formatCountdown(seconds: number): string {
  const pad = (value: number) => String(value).padStart(2, "0");
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const rest = `${pad(minutes)}:${pad(seconds % 60)}`;
  return hours > 0 ? `${hours}:${rest}` : rest;
}

/** Returns an ISO 8601 duration for `<time datetime>`. */
export function isoDuration(seconds: number): string {
  return `PT${seconds}S`;
}

export function formatDateTime(at: string, locale: string, timeZone: string): string {
  return dateFormat(locale, {
    dateStyle: "medium",
    timeStyle: "short",
    timeZone,
  }).format(new Date(at));
}

const RELATIVE_TIME_UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

export function formatDay(at: string, locale: string, timeZone: string): string {
  return dateFormat(locale, { dateStyle: "long", timeZone }).format(new Date(at));
}

/** Returns e.g. "3 hours ago", or null in the first minute, for which pages have their own text. */
export function formatAgo(at: string, now: number, locale: string): string | null {
  const seconds = Math.max(0, (now - Date.parse(at)) / 1000);
  const relative = relativeTimeFormat(locale);
  for (const [unit, length] of RELATIVE_TIME_UNITS) {
    if (seconds >= length) return relative.format(-Math.floor(seconds / length), unit);
  }
  return null;
}
