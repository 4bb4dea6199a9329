import { defineConfig } from "@playwright/test";
import tests from "./playwright.config.ts";

process.env.ORDER_EXPIRATION_SECONDS ??= "900";

/**
 * `make test-browser ARGS="--config screenshots.config.ts"`: writes screenshots of every page, in
 * two sizes and two colour schemes, to .local/screenshots, and the README's to docs/images.
 */
export default defineConfig({
  ...tests,
  outputDir: "../../.local/browser-screenshots",
  testMatch: /screenshots\.ts/,
  workers: 1,
  timeout: 300_000,
  projects: [{ name: "screenshots" }],
});
