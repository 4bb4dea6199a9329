import { expect, test } from "vitest";
import { dateFormat, kept } from "./formatters";

test("a formatter is created once for its locale and options", () => {
  const format = dateFormat("en", { dateStyle: "short" });

  expect(dateFormat("en", { dateStyle: "short" })).toBe(format);
  expect(dateFormat("en", { dateStyle: "long" })).not.toBe(format);
  expect(dateFormat("de", { dateStyle: "short" })).not.toBe(format);
});

test("the oldest of many formatters is dropped", () => {
  const first = kept("0", () => ({}));
  for (let n = 1; n <= 200; n++) kept(String(n), () => ({}));

  expect(kept("0", () => ({}))).not.toBe(first);
});
