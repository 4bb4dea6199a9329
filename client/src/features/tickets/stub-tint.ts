const TINTS = [
  "bg-(--stub-1)",
  "bg-(--stub-2)",
  "bg-(--stub-3)",
  "bg-(--stub-4)",
  "bg-(--stub-5)",
  "bg-(--stub-6)",
];

/** Returns a background colour derived from the id, so that a ticket looks the same on all pages. */
export function stubTint(id: string): string {
  return TINTS[Number.parseInt(id.slice(-2), 16) % TINTS.length] ?? "bg-well";
}
