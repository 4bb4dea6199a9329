import { expect, test } from "vitest";
import { parseTicket, readTicketInput } from "./ticket-input";

const typed = (fields: Record<string, string>) => readTicketInput((name) => fields[name]);

test("what is empty is removed from the ticket", () => {
  expect(parseTicket(typed({ title: " Front row ", price: "19,90" }), "de-DE")).toEqual({
    body: { title: "Front row", price: "19.90", seat: null, faceValue: null },
    problems: [],
  });
});

test("a seat has the parts that are typed", () => {
  const { body } = parseTicket(typed({ "seat.row": " 4 ", "seat.seat": "12" }), "en-US");
  expect(body.seat).toEqual({ row: "4", seat: "12" });
});

test.each([
  ["0", "priceNumber"],
  ["cheap", "priceNumber"],
  ["1000000", "priceHigh"],
])("a face value of %s is refused at its field", (faceValue, message) => {
  const { problems } = parseTicket(typed({ price: "5", faceValue }), "en-US");
  expect(problems).toEqual([{ field: "faceValue", message }]);
});
