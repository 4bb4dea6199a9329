import { beforeEach, expect, test, vi } from "vitest";

const SERVER = Date.parse("2026-11-21T12:00:00Z");
const dateHeader = (at: number) => new Date(at).toUTCString();

async function freshClock() {
  vi.resetModules();
  return import("./server-clock");
}

beforeEach(() => {
  vi.useFakeTimers({ now: SERVER - 3_600_000, toFake: ["Date", "performance", "setTimeout"] });
  return () => vi.useRealTimers();
});

test("without a reading, the time of the rendering is the server's", async () => {
  const clock = await freshClock();
  expect(clock.serverNow(SERVER)).toBe(SERVER);
});

test("the server's clock runs on from the rendering", async () => {
  const clock = await freshClock();
  clock.noteRenderedAt(SERVER);
  vi.advanceTimersByTime(44_000);
  expect(clock.serverNow(SERVER)).toBe(SERVER + 44_000);
});

test("a page rendered earlier does not set the clock back", async () => {
  const clock = await freshClock();
  clock.noteRenderedAt(SERVER);
  vi.advanceTimersByTime(44_000);
  clock.noteRenderedAt(SERVER);
  expect(clock.serverNow(SERVER)).toBe(SERVER + 44_000);
});

test("our wall clock may be set back", async () => {
  const clock = await freshClock();
  clock.noteRenderedAt(SERVER);
  vi.advanceTimersByTime(10_000);
  vi.setSystemTime(Date.now() - 44_000);
  expect(clock.serverNow(SERVER)).toBe(SERVER + 10_000);
});

test("a Date header replaces the time of the rendering, and a small difference does not count", async () => {
  const clock = await freshClock();
  clock.noteRenderedAt(SERVER);
  clock.noteResponseDate(dateHeader(SERVER + 20_000), performance.now());
  expect(clock.serverNow(0)).toBe(SERVER + 20_500);
  clock.noteResponseDate(dateHeader(SERVER + 20_999), performance.now());
  expect(clock.serverNow(0)).toBe(SERVER + 20_500);
  clock.noteResponseDate(dateHeader(SERVER + 5_000), performance.now());
  expect(clock.serverNow(0)).toBe(SERVER + 5_500);
});

test("a response without a Date header changes nothing", async () => {
  const clock = await freshClock();
  clock.noteResponseDate(null, 0);
  expect(clock.serverNow(SERVER)).toBe(SERVER);
});

test("a slow response was stamped at its end", async () => {
  const clock = await freshClock();
  const sentAt = performance.now();
  vi.advanceTimersByTime(8_000);
  clock.noteResponseDate(dateHeader(SERVER), sentAt);
  expect(clock.serverNow(0)).toBe(SERVER + 1_000);
});
