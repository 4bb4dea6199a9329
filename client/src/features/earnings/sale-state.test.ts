import { expect, test } from "vitest";
import type { Sale } from "@/lib/api/types";
import { saleState } from "./sale-state";

const NOW = Date.parse("2027-06-16T12:00:00Z");
const PAST = "2027-06-16T11:00:00Z";
const FUTURE = "2027-06-17T12:00:00Z";

test("a payout that waits for its show is shown as that", () => {
  const sale = { payout: { state: "held" }, releaseAt: FUTURE, showEndsAt: PAST } as Sale;
  expect(saleState(sale, NOW)).toBe("afterShow");
});

test.each([
  ["held", null, FUTURE, "due"],
  ["held", null, PAST, "overdue"],
  ["held", null, null, "later"],
  ["held", "no_account", FUTURE, "due"],
  ["held", "no_account", PAST, "no_account"],
  ["frozen", "account_not_ready", PAST, "account_not_ready"],
  ["frozen", "paused", FUTURE, "paused"],
  ["frozen", "disputed", FUTURE, "disputed"],
  ["held", "balance_insufficient", PAST, "problem"],
  ["sending", null, PAST, "sending"],
  ["sent", null, PAST, "sent"],
  ["recalling", "charged_back", PAST, "recalled"],
  ["short", "charged_back", PAST, "short"],
  ["void", "charged_back", PAST, "void"],
])(
  "a payout that is %s because of %s, due at %s, is shown as %s",
  (state, reason, releaseAt, shown) => {
    const sale = { payout: { state, reason }, releaseAt } as Sale;
    expect(saleState(sale, NOW)).toBe(shown);
  },
);
