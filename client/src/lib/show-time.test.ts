import { describe, expect, test } from "vitest";
import {
  formatDay,
  formatDays,
  formatShowSpan,
  formatShowStart,
  formatZone,
  localDate,
  offsetsOf,
  readersStart,
} from "./show-time";

const SHOW = {
  startsAt: "2026-12-12T19:00:00Z",
  endsAt: "2026-12-12T21:30:00Z",
  timeZone: "Europe/Berlin",
};
const NOW = Date.parse("2026-11-29T12:00:00Z");

/** Replaces the spaces that Unicode's data writes between the parts of a time. */
const plain = (text: string | null) => text?.replace(/\s/g, " ");

test.each([
  ["en-US", /^Saturday, December 12, 2026(?:,| at) 8:00 – 10:30 PM$/],
  ["en-GB", /^Saturday,? 12 December 2026(?:,| at) 20:00 ?– ?22:30$/],
  ["de-DE", /^Samstag, 12. Dezember 2026(?:,| um) 20:00 ?– ?22:30 Uhr$/],
])("a show is at its local time, as written in %s", (locale, expected) => {
  expect(plain(formatShowSpan(SHOW, locale))).toMatch(expected);
});

test("the year is only shown when it is another one", () => {
  const later = { ...SHOW, startsAt: "2027-01-02T19:00:00Z" };
  expect(plain(formatShowStart(SHOW, "en-US", NOW))).toBe("Sat, Dec 12, 8:00 PM");
  expect(plain(formatShowStart(later, "en-US", NOW))).toBe("Sat, Jan 2, 2027, 8:00 PM");
});

describe("for a reader in another zone", () => {
  test("the zone has its name in the reader's language", () => {
    expect(formatZone(SHOW, "en-US")).toBe("Central European Standard Time");
    expect(formatZone(SHOW, "de-DE")).toBe("Mitteleuropäische Normalzeit");
  });

  test.each([
    ["Europe/Vienna", null],
    ["America/New_York", "2:00 PM"],
    ["Asia/Tokyo", "Sun, Dec 13, 4:00 AM"],
  ])("in %s the start is %s", (zone, expected) => {
    expect(plain(readersStart(SHOW, zone, "en-US")) ?? null).toBe(expected);
  });
});

test("a zone that the browser does not know is read as UTC", () => {
  const elsewhere = { ...SHOW, timeZone: "Mars/Olympus" };
  expect(plain(formatShowStart(elsewhere, "en-US", NOW))).toBe("Sat, Dec 12, 7:00 PM");
});

test("a date is local to its zone", () => {
  expect(localDate("2026-12-12T23:30:00Z", "Europe/Berlin")).toBe("2026-12-13");
  expect(formatDay("2026-12-12", "en-GB")).toBe("Sat 12 Dec");
  expect(formatDay("2026-13-40", "en-GB")).toBeNull();
  expect(formatDay("2027-02-31", "en-GB")).toBeNull();
  expect(formatDay("tomorrow", "en-GB")).toBeNull();
});

test.each([
  ["", "", ""],
  ["2026-12-12", "2026-12-12", "Sat 12 Dec"],
  ["2026-12-12", "2026-12-13", "Sat 12 Dec – Sun 13 Dec"],
  ["2026-12-12", "", "Sat 12 Dec –"],
  ["", "2026-12-13", "– Sun 13 Dec"],
])("the days from %j to %j are %j", (from, to, expected) => {
  expect(formatDays(from, to, "en-GB")).toBe(expected);
});

test.each([
  ["2027-06-14T20:00", "Europe/Berlin", ["+02:00"]],
  ["2027-10-31T02:30", "Europe/Berlin", ["+02:00", "+01:00"]],
  ["2027-03-28T02:30", "Europe/Berlin", []],
  ["2027-11-07T01:30", "America/New_York", ["-04:00", "-05:00"]],
  ["2027-10-31T02:30", "UTC", ["+00:00"]],
  ["", "UTC", []],
])("the local time %j in %s has the offsets %j", (time, zone, expected) => {
  expect(offsetsOf(time, zone)).toEqual(expected);
});
