import { expect, test } from "vitest";
import { COMMON, commonPasswords, guessableProblem, OWN_WORDS } from "./guessable";

test("the most used passwords are refused in any letter case", async () => {
  expect(await commonPasswords()).toHaveLength(10_000);
  expect(await guessableProblem("Password1", "ada@example.com")).toBe(COMMON);
});

test.each([
  ["Ticketing2030", OWN_WORDS],
  ["ada.lovelace1", OWN_WORDS],
  ["Ada.Lovelace@example.com", OWN_WORDS],
  ["Lovelace-99", OWN_WORDS],
  ["two tickets for lovelace", null],
  ["correct horse", null],
])(
  "a password must not consist of the address and the name of the site: %s",
  async (typed, problem) => {
    expect(await guessableProblem(typed, "ada.lovelace@example.com")).toBe(problem);
  },
);
