import type { Ticket } from "@/lib/api/types";
import { DESCRIBED } from "@/lib/protection";

/** What a ticket lacks if an event about it does not say otherwise. */
export const UNSET_FIELDS = {
  showId: null,
  show: null,
  seat: null,
  faceValue: null,
  withdrawn: false,
  withdrawing: false,
  withdrawnByOperator: false,
  protection: DESCRIBED,
  frozenUntil: null,
} satisfies Partial<Ticket>;
