import type { Category } from "./api/types";

export const CATEGORIES = [
  "concert",
  "festival",
  "theatre",
  "comedy",
  "sport",
  "family",
  "other",
] as const satisfies Category[];
