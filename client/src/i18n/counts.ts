import "server-only";

import { getTranslations } from "./server";

interface ListPage {
  data: unknown[];
  next: string | null;
}

/** Returns how many there are: exactly on a list's only page, else at least or more. */
export async function getCount(
  of: "tickets" | "orders",
  { data, next }: ListPage,
  cursor: string,
): Promise<string> {
  const t = await getTranslations("Count");
  const kind = cursor ? "more" : next ? "atLeast" : "all";
  return t(of, { kind, count: data.length });
}

/** Returns the title of a list's page, such as "My orders (24+)". */
export function listTitle(title: string, { data, next }: ListPage): string {
  return `${title} (${data.length}${next ? "+" : ""})`;
}
