import { expect, test } from "vitest";
import type { Sale } from "@/lib/api/types";
import { statementCsv } from "./statement";

const SALE = {
  orderId: "0123",
  title: '=HYPERLINK("x"), row 4',
  soldAt: "2027-06-01T12:00:00Z",
  price: 50,
  fee: 2.5,
  net: 47.5,
  payout: { state: "held", reason: null },
  releaseAt: "2027-06-16T12:00:00Z",
} as Sale;

test("a statement has a line for each sale, and no formula", () => {
  const [columns, line, end] = statementCsv([SALE]).split("\r\n");
  expect(columns).toBe(
    '"order","title","sold","price","fee","net","state","reason","due","transfer"',
  );
  expect(line).toBe(
    `"0123","'=HYPERLINK(""x""), row 4","2027-06-01T12:00:00Z","50.00","2.50","47.50","held","","2027-06-16T12:00:00Z",""`,
  );
  expect(end).toBe("");
});
