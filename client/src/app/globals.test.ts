import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const STYLES = readFileSync(`${import.meta.dirname}/globals.css`, "utf8");
const [LIGHT = "", DARK = ""] = STYLES.split("@media screen and (prefers-color-scheme: dark)");

/** Returns the hue of a colour in degrees. */
function hueOf(styles: string, name: string): number {
  const hex = new RegExp(`--${name}: #(\\w{6});`).exec(styles)?.[1] ?? "";
  const [r = 0, g = 0, b = 0] = [0, 2, 4].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
  const degrees = (Math.atan2(Math.sqrt(3) * (g - b), 2 * r - g - b) * 180) / Math.PI;
  return (degrees + 360) % 360;
}

test.each([
  ["light", LIGHT],
  ["dark", DARK],
])("the %s colours of brand, focus, danger and success differ in hue", (_, styles) => {
  const hues = ["accent", "focus", "bad", "good"].map((name) => hueOf(styles, name)).sort();
  const gaps = hues.flatMap((one, at) =>
    hues.slice(at + 1).map((other) => Math.min(Math.abs(one - other), 360 - Math.abs(one - other))),
  );
  expect(Math.min(...gaps)).toBeGreaterThan(30);
});
