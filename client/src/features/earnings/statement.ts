import type { Sale } from "@/lib/api/types";

const COLUMNS = [
  "order",
  "title",
  "sold",
  "price",
  "fee",
  "net",
  "state",
  "reason",
  "due",
  "transfer",
];

/** Returns sales as CSV (RFC 4180), which spreadsheets read in any language: amounts have a point. */
export function statementCsv(sales: Sale[]): string {
  const rows = sales.map((sale) => [
    sale.orderId,
    sale.title ?? "",
    sale.soldAt,
    sale.price.toFixed(2),
    sale.fee.toFixed(2),
    sale.net.toFixed(2),
    sale.payout.state,
    sale.payout.reason ?? "",
    sale.releaseAt ?? "",
    sale.transferId ?? "",
  ]);
  return [COLUMNS, ...rows].map((row) => `${row.map(quoted).join(",")}\r\n`).join("");
}

/** A spreadsheet runs what begins with one of these signs as a formula. */
const FORMULA = /^[=+\-@\t\r]/;

function quoted(value: string): string {
  const text = FORMULA.test(value) ? `'${value}` : value;
  return `"${text.replaceAll('"', '""')}"`;
}
