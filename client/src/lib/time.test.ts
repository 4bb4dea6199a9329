import { describe, expect, test } from "vitest";
import { formatAgo, formatCountdown, formatDateTime, payableUntil, secondsLeft } from "./time";

const END = "2026-11-21T12:15:00Z";
const at = (time: string) => Date.parse(time);

describe("an order's countdown", () => {
  test.each([
    ["2026-11-21T12:00:00.000Z", 900],
    ["2026-11-21T12:14:59.001Z", 1],
    ["2026-11-21T12:15:00.000Z", 0],
    ["2026-11-21T12:20:00.000Z", 0],
  ])("at %s has %d seconds left", (now, left) => {
    expect(secondsLeft(at(END), at(now))).toBe(left);
  });

  test.each([
    [900, "15:00"],
    [61, "01:01"],
    [0, "00:00"],
    [3_661, "1:01:01"],
  ])("formats %d seconds as %s", (seconds, written) => {
    expect(formatCountdown(seconds)).toBe(written);
  });

  test("ends when the order can no longer be paid", () => {
    expect(payableUntil({ expiresAt: END }, 5)).toBe(at("2026-11-21T12:14:55Z"));
    expect(payableUntil({ expiresAt: END })).toBe(at(END));
  });
});

test.each([
  [0, null],
  [59, null],
  [60, "1 minute ago"],
  [7_200, "2 hours ago"],
  [86_400, "yesterday"],
])("%d seconds ago is formatted as %s", (seconds, text) => {
  expect(formatAgo(END, at(END) + seconds * 1000, "en")).toBe(text);
});

test("a time in the future has no relative text", () => {
  expect(formatAgo(END, at(END) - 5_000, "en")).toBeNull();
});

test("a date is formatted in the given time zone", () => {
  expect(formatDateTime(END, "de-DE", "Europe/Berlin")).toContain("13:15");
  expect(formatDateTime(END, "de-DE", "UTC")).toContain("12:15");
});
