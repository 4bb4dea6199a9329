import { defineConfig } from "@playwright/test";
import tests from "./playwright.config.ts";

process.env.ORDER_EXPIRATION_SECONDS ??= "900";

/**
 * `make test-browser ARGS="--config screens.config.ts"`: every page at both sizes, light and dark, into
 * .local/screens, to be looked at; the README's go to docs/images.
 */
export default defineConfig({
  ...tests,
  outputDir: "../../.local/browser-screens",
  testMatch: /screens\.ts/,
  workers: 1,
  timeout: 300_000,
  projects: [{ name: "screens" }],
});
