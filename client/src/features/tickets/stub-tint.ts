const TINTS = [
  "bg-(--stub-1)",
  "bg-(--stub-2)",
  "bg-(--stub-3)",
  "bg-(--stub-4)",
  "bg-(--stub-5)",
  "bg-(--stub-6)",
];

/** A ticket keeps its colour wherever it is shown: lists without pictures stay easy to scan. */
export function stubTint(id: string): string {
  return TINTS[Number.parseInt(id.slice(-2), 16) % TINTS.length] ?? "bg-well";
}
