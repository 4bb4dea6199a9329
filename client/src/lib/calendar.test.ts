import { describe, expect, test } from "vitest";
import type { Show } from "./api/types";
import { showCalendar } from "./calendar";

const SHOW: Show = {
  id: "0123456789abcdef01234567",
  version: 3,
  name: "Hamlet",
  startsAt: "2026-12-12T19:00:00Z",
  endsAt: "2026-12-12T21:30:00Z",
  timeZone: "Europe/Berlin",
  venue: { name: "Schaubühne", city: "Berlin", country: "DE" },
  category: "theatre",
} as Show;

const PAGE = { url: "https://ticketing.dev/shows/1", host: "ticketing.dev", now: 0 };

const unfold = (text: string) => text.replace(/\r\n /g, "").split("\r\n");

describe("the calendar file of a show", () => {
  test("has its times in UTC, its place, and one identity on this site", () => {
    expect(unfold(showCalendar(SHOW, PAGE))).toEqual([
      "BEGIN:VCALENDAR",
      "VERSION:2.0",
      "PRODID:-//Ticketing//Shows//EN",
      "METHOD:PUBLISH",
      "BEGIN:VEVENT",
      "UID:0123456789abcdef01234567@ticketing.dev",
      "DTSTAMP:19700101T000000Z",
      "SEQUENCE:3",
      "DTSTART:20261212T190000Z",
      "DTEND:20261212T213000Z",
      "SUMMARY:Hamlet",
      "LOCATION:Schaubühne\\, Berlin\\, DE",
      "URL:https://ticketing.dev/shows/1",
      "STATUS:CONFIRMED",
      "END:VEVENT",
      "END:VCALENDAR",
      "",
    ]);
  });

  test("escapes what ends a value or begins a property", () => {
    const name = "One; two, three \\ four\r\nATTENDEE:mailto:x@example.com";
    const lines = unfold(showCalendar({ ...SHOW, name }, PAGE));
    expect(lines).toContain(
      "SUMMARY:One\\; two\\, three \\\\ four\\nATTENDEE:mailto:x@example.com",
    );
  });

  test("has no line of more than 75 octets, and no half character", () => {
    const name = "Ä🎭".repeat(40);
    const text = showCalendar({ ...SHOW, name }, PAGE);
    const lengths = text.split("\r\n").map((line) => Buffer.byteLength(line));
    expect(Math.max(...lengths)).toBeLessThanOrEqual(75);
    expect(unfold(text)).toContain(`SUMMARY:${name}`);
  });

  test("says that a cancelled show is cancelled", () => {
    const cancelledAt = "2026-12-01T00:00:00Z";
    expect(unfold(showCalendar({ ...SHOW, cancelledAt }, PAGE))).toContain("STATUS:CANCELLED");
  });
});
