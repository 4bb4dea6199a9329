import type { Messages } from "use-intl/core";
import type { Problem } from "@/lib/api/result";

type DeclineMessageKey = keyof Messages["Decline"];

const KEY_BY_CODE: Record<string, DeclineMessageKey> = {
  insufficient_funds: "insufficient_funds",
  expired_card: "expired_card",
  incorrect_cvc: "incorrect_cvc",
  invalid_cvc: "incorrect_cvc",
  incorrect_number: "incorrect_number",
  invalid_number: "incorrect_number",
  processing_error: "processing_error",
  card_velocity_exceeded: "card_velocity_exceeded",
  too_many_declines: "too_many_declines",
  card_limit_reached: "card_limit_reached",
  authentication_required: "authentication",
  payment_intent_authentication_failure: "authentication",
};

/** Returns the message key for a decline. Unknown codes get the generic message. */
export function declineMessageKey(
  problem: Pick<Problem, "code" | "declineCode">,
): DeclineMessageKey {
  return KEY_BY_CODE[problem.declineCode ?? ""] ?? KEY_BY_CODE[problem.code ?? ""] ?? "generic";
}
