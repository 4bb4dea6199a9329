import { toCents } from "./money";

const BASIS_POINTS = 10_000;

/** Returns the fee on a price as payments takes it: in whole cents, rounded down. */
export function feeOf(price: number, basisPoints: number): number {
  return Math.floor((toCents(price) * basisPoints) / BASIS_POINTS) / 100;
}
