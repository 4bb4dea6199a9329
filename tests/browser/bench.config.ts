import { defineConfig } from "@playwright/test";
import tests from "./playwright.config.ts";

/** `make bench-web`: measures the home page; alone on the machine, or the numbers mean little. */
export default defineConfig({
  ...tests,
  outputDir: "../../.local/browser-bench",
  testMatch: /bench\.ts/,
  workers: 1,
  timeout: 300_000,
  reporter: [["line"]],
  projects: [{ name: "bench" }],
});
