import { expect, test } from "vitest";
import { hasConflict } from "./edit";

const base = { title: "Front row", price: 20 };
const edit = { typed: { title: "Front row ", price: "1,000" }, base };

test.each([
  ["nobody changed the listing", base, false],
  ["the title was changed", { ...base, title: "Back row" }, true],
  ["the price was changed", { ...base, price: 21 }, true],
  ["it was changed into what is typed", { ...base, price: 1000 }, false],
])("when %s, the conflict is %s", (_, current, expected) => {
  expect(hasConflict(edit, current, "en-US")).toBe(expected);
});
