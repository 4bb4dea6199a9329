import type { Protection } from "./api/types";

/** How far a buyer is protected, as the pages name it: a vaulted ticket may have been opened before. */
export type ProtectionLevel = "described" | "vault" | "opened" | "reissued";

/** What holds for a ticket about which nothing else is known. */
export const DESCRIBED: Required<Protection> = {
  grade: "described",
  symbologies: [],
  revealed: false,
};

export function protectionLevel(protection: Protection | null | undefined): ProtectionLevel {
  const { grade = "described", revealed } = protection ?? DESCRIBED;
  return grade === "vault" && revealed ? "opened" : grade;
}

/** Returns the kinds of the codes in the file of a ticket, one for each. */
export function codesOf(protection: Protection | null | undefined): readonly string[] {
  return protection?.symbologies ?? [];
}
