import { expect, test } from "vitest";
import { feeOf } from "./fee";

test.each([
  [50, 500, 2.5],
  [0.5, 500, 0.02],
  [9.99, 500, 0.49],
  [50, 0, 0],
])("the fee on %d at %d basis points is %d", (price, basisPoints, fee) => {
  expect(feeOf(price, basisPoints)).toBe(fee);
});
