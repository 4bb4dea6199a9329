"use client";

const HALF_SECOND_MS = 500;
const TOLERANCE_MS = 1_000;

/** What the server's clock showed at a moment of our clocks. */
interface Reading {
  server: number;
  monotonic: number;
  wall: number;
  isMeasured: boolean;
}

let latest: Reading | null = null;
const listeners = new Set<() => void>();

function take(server: number, isMeasured: boolean): void {
  latest = { server, monotonic: performance.now(), wall: Date.now(), isMeasured };
  listeners.forEach((notify) => notify());
}

/**
 * Returns the time of the server's clock, at least the given one, which it has passed.
 *
 * The greater of two elapsed times counts: our wall clock may be set back, and the monotonic one of
 * some browsers stands still while the device sleeps.
 */
export function serverNow(passed: number): number {
  if (latest === null) return passed;
  const elapsed = Math.max(performance.now() - latest.monotonic, Date.now() - latest.wall);
  return Math.max(passed, latest.server + elapsed);
}

/** Takes note of the server's time when a page was rendered, which may be long ago (after "Back"). */
export function noteRenderedAt(server: number): void {
  if (latest === null || server > serverNow(0)) take(server, false);
}

/** Takes note of a Date header. It has whole seconds, so a small difference does not count. */
export function noteResponseDate(date: string | null, sentAt: number): void {
  const stamped = Date.parse(date ?? "");
  if (Number.isNaN(stamped)) return;
  // The response takes half of a quick round trip. A slow one waited for the server.
  const travelled = Math.min((performance.now() - sentAt) / 2, HALF_SECOND_MS);
  const server = stamped + HALF_SECOND_MS + travelled;
  const isKnown = latest?.isMeasured && Math.abs(server - serverNow(0)) < TOLERANCE_MS;
  if (!isKnown) take(server, true);
}

/** Calls back when the estimate has changed, and returns how to stop that. */
export function onClockChange(notify: () => void): () => void {
  listeners.add(notify);
  return () => listeners.delete(notify);
}
