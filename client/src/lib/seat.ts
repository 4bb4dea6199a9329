import type { Messages } from "use-intl/core";
import type { Seat } from "./api/types";

const PARTS = ["section", "row", "seat"] as const;

type SeatPart = (typeof PARTS)[number];
type Translate = (key: SeatPart & keyof Messages["Show"], values: { name: string }) => string;

/** Returns "Section B", "Row 4", "Seat 12" for the parts of a seat that are known. */
export function seatLabels(seat: Seat | null | undefined, translate: Translate): string[] {
  return PARTS.flatMap((part) => {
    const name = seat?.[part];
    return name ? translate(part, { name }) : [];
  });
}
