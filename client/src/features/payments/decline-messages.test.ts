import { expect, test } from "vitest";
import { declineMessageKey } from "./decline-messages";

test.each([
  [{ code: "card_declined", declineCode: "insufficient_funds" }, "insufficient_funds"],
  [{ code: "expired_card", declineCode: "expired_card" }, "expired_card"],
  [{ code: "payment_intent_authentication_failure" }, "authentication"],
  [{ code: "card_declined", declineCode: "stolen_card" }, "generic"],
  [{ code: "card_declined", declineCode: "fraudulent" }, "generic"],
  [{ code: "too_many_declines" }, "too_many_declines"],
  [{ code: "card_limit_reached" }, "card_limit_reached"],
  [{ code: "an unknown code" }, "generic"],
  [{}, "generic"],
])("%j has the message %s", (problem, key) => {
  expect(declineMessageKey(problem)).toBe(key);
});
