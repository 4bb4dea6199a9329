import "server-only";
import { performance } from "node:perf_hooks";

const INTERVAL_MS = 250;
const BUSY_UTILIZATION = 0.9;

let measuredAt = performance.now();
let before = performance.eventLoopUtilization();
let isBusy = false;

/** Returns whether this server's thread was busy nearly all of the last quarter of a second. */
export function isThreadBusy(): boolean {
  const now = performance.now();
  if (now - measuredAt >= INTERVAL_MS) {
    isBusy = performance.eventLoopUtilization(before).utilization > BUSY_UTILIZATION;
    before = performance.eventLoopUtilization();
    measuredAt = now;
  }
  return isBusy;
}
