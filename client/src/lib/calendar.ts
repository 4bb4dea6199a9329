import type { Show } from "./api/types";
import { formatPlace } from "./place";

const MAX_LINE_OCTETS = 75;

/**
 * Returns a show as a calendar file (RFC 5545). Its times are in UTC, which every calendar converts to its own
 * zone, so that none has to be described. `site` is the host of its page.
 */
export function showCalendar(show: Show, page: { url: string; host: string; now: number }): string {
  const { venue, version, cancelledAt } = show;
  const lines: [string, string][] = [
    ["BEGIN", "VCALENDAR"],
    ["VERSION", "2.0"],
    ["PRODID", "-//Ticketing//Shows//EN"],
    ["METHOD", "PUBLISH"],
    ["BEGIN", "VEVENT"],
    ["UID", `${show.id}@${page.host}`],
    ["DTSTAMP", utc(page.now)],
    ["SEQUENCE", String(version)],
    ["DTSTART", utc(show.startsAt)],
    ["DTEND", utc(show.endsAt)],
    ["SUMMARY", escapeText(show.name)],
    ["LOCATION", escapeText(`${formatPlace(venue)}, ${venue.country}`)],
    ["URL", page.url],
    ["STATUS", cancelledAt ? "CANCELLED" : "CONFIRMED"],
    ["END", "VEVENT"],
    ["END", "VCALENDAR"],
  ];
  return lines.map(([name, value]) => `${fold(`${name}:${value}`)}\r\n`).join("");
}

/** Returns "20261212T190000Z". */
function utc(at: string | number): string {
  return new Date(at).toISOString().replace(/\.\d{3}|[-:]/g, "");
}

function escapeText(text: string): string {
  return text.replace(/[\\;,]/g, "\\$&").replace(/\r?\n/g, "\\n");
}

/** Splits a line into parts of at most 75 octets, each but the first after a space, and no character in two. */
function fold(line: string): string {
  const parts = [""];
  for (const character of line) {
    const extended = `${parts.at(-1) ?? ""}${character}`;
    if (Buffer.byteLength(extended) <= MAX_LINE_OCTETS) parts[parts.length - 1] = extended;
    else parts.push(` ${character}`);
  }
  return parts.join("\r\n");
}
