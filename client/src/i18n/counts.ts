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

/** Returns the title of a list's page, such as "My orders (24+)", without a number if the list is missing. */
export function listTitle(title: string, list: ({ ok: true } & ListPage) | { ok: false }): string {
  return list.ok ? `${title} (${list.data.length}${list.next ? "+" : ""})` : title;
}
