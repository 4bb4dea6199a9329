import "server-only";
import { performance } from "node:perf_hooks";

const IDLE_MS = 1;

let idleBefore = 0;

/** Returns whether this server's thread was idle for a millisecond since this function last said so. */
export function hasTimeLeft(): boolean {
  const { idle } = performance.eventLoopUtilization();
  if (idle - idleBefore < IDLE_MS) return false;
  idleBefore = idle;
  return true;
}
