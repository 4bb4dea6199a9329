import { statementCsv } from "@/features/earnings/statement";
import { type ApiResult, isUnavailable, toResult } from "@/lib/api/result";
import { api } from "@/lib/api/server";
import type { Earnings, Sale } from "@/lib/api/types";

const PAGE_SIZE = 100;
const MAX_PAGES = 100;

/** Returns all sales of the user as a file for spreadsheets. */
export async function GET() {
  const client = await api();
  const sales: Sale[] = [];
  let cursor: string | null = "";
  for (let page = 0; page < MAX_PAGES && cursor !== null; page += 1) {
    const result: ApiResult<Earnings> = await toResult(
      client.GET("/api/payments/earnings", {
        params: { query: { limit: PAGE_SIZE, ...(cursor && { cursor }) } },
      }),
    );
    if (!result.ok) return new Response(null, { status: isUnavailable(result) ? 503 : 401 });
    sales.push(...result.data.sales);
    cursor = result.next;
  }
  return new Response(statementCsv(sales), {
    headers: {
      "content-type": "text/csv; charset=utf-8",
      "content-disposition": 'attachment; filename="earnings.csv"',
      "cache-control": "no-store",
    },
  });
}
