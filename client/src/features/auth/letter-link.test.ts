import { expect, test } from "vitest";
import { parseLetterLink, pathWithLink } from "./letter-link";

const LINK = { letter: "65a1", token: "a_b-c" };

test("the link of a letter is in the query of its page", () => {
  expect(pathWithLink("/auth/reset", LINK)).toBe("/auth/reset?letter=65a1&token=a_b-c");
  expect(parseLetterLink({ ...LINK, problem: "passwordCommon" })).toEqual(LINK);
});

test.each([{}, { letter: "65a1" }, { ...LINK, token: "" }, { ...LINK, token: ["a", "b"] }])(
  "%j is incomplete",
  (params) => {
    expect(parseLetterLink(params)).toBeNull();
  },
);

test("a part of any length is not sent on", () => {
  expect(parseLetterLink({ ...LINK, token: "a".repeat(101) })).toBeNull();
});
