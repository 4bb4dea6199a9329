import { expect, test } from "vitest";
import { hasConflict } from "./edit";
import { readTicketInput } from "./ticket-input";

const base = { title: "Front row", price: 20 };
const typed = { title: "Front row ", price: "1,000", "seat.row": "4" };
const edit = { typed: readTicketInput((name) => (typed as Record<string, string>)[name]), base };

test.each([
  ["nobody changed the listing", base, false],
  ["the title was changed", { ...base, title: "Back row" }, true],
  ["the price was changed", { ...base, price: 21 }, true],
  ["the seat was changed", { ...base, seat: { row: "5" } }, true],
  ["it was changed into what is typed", { ...base, price: 1000, seat: { row: "4" } }, false],
])("when %s, the conflict is %s", (_, current, expected) => {
  expect(hasConflict(edit, current, "en-US")).toBe(expected);
});
