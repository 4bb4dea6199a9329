const PAGE_SIZE = 24;

export function cursorFrom(params: Record<string, string | string[] | undefined>): string {
  return [params.cursor].flat()[0] ?? "";
}

/** Returns the query parameters for one page of a list. */
export function pageQuery(cursor: string): { limit: number; cursor?: string } {
  return { limit: PAGE_SIZE, ...(cursor && { cursor }) };
}
