import { expect, test } from "vitest";
import { parseUserAgent } from "./user-agent";

const IPHONE =
  "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML)";
const ANDROID = "Mozilla/5.0 (Linux; Android 16; K) AppleWebKit/537.36 (KHTML, like Gecko)";

test.each([
  [`${IPHONE} Version/19.0 Mobile/15E148 Safari/604.1`, "Safari", "iPhone"],
  [`${IPHONE} CriOS/142.0.0.0 Mobile/15E148 Safari/604.1`, "Chrome", "iPhone"],
  [`${IPHONE} FxiOS/145.0 Mobile/15E148 Safari/605.1.15`, "Firefox", "iPhone"],
  [`${IPHONE} EdgiOS/142.0.0.0 Version/19.0 Mobile/15E148 Safari/604.1`, "Edge", "iPhone"],
  [`${IPHONE} OPT/6.0 Mobile/15E148 Safari/604.1`, "Opera", "iPhone"],
  [`${ANDROID} Chrome/142.0.0.0 Mobile Safari/537.36`, "Chrome", "Android"],
  [
    `${ANDROID} SamsungBrowser/29.0 Chrome/136.0.0.0 Mobile Safari/537.36`,
    "Samsung Internet",
    "Android",
  ],
  [`${ANDROID} Chrome/142.0.0.0 Mobile Safari/537.36 EdgA/142.0.0.0`, "Edge", "Android"],
])("%s is %s on %s", (userAgent, browser, system) => {
  expect(parseUserAgent(userAgent)).toEqual({ browser, system });
});

test.each([
  ["curl/8.14.1", "curl"],
  ["", null],
])("the program of %j is %j", (userAgent, program) => {
  expect(parseUserAgent(userAgent)).toBe(program);
});
