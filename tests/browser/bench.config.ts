import { defineConfig } from "@playwright/test";
import tests from "./playwright.config.ts";

/** `make bench-web`: measures all pages. Run it on an otherwise idle machine. */
export default defineConfig({
  ...tests,
  outputDir: "../../.local/browser-bench",
  testMatch: /bench\.ts/,
  workers: 1,
  timeout: 300_000,
  reporter: [["line"]],
  projects: [{ name: "bench" }],
});
