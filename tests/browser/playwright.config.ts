import { defineConfig, devices } from "@playwright/test";

const PHONE = /(pages|purchase)\.spec\.ts/;

/** All tests share one system: the one at BASE_URL, or one that system.ts starts. */
export default defineConfig({
  testDir: ".",
  globalSetup: "./system.ts",
  fullyParallel: true,
  workers: 2,
  timeout: 90_000,
  expect: { timeout: 30_000 },
  forbidOnly: true,
  reporter: [["list"]],
  outputDir: "../../.local/browser",
  use: {
    locale: "en-US",
    timezoneId: "Europe/Berlin",
    screenshot: "only-on-failure",
    trace: "retain-on-failure",
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      // Chromium's background requests hang on a machine without internet access.
      args: [
        ...["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
        ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
      ],
    },
  },
  projects: [
    {
      name: "desktop",
      use: { viewport: { width: 1280, height: 900 } },
      testIgnore: /(outage|payday)\.spec\.ts/,
    },
    {
      name: "phone",
      use: { ...devices["Pixel 7"], defaultBrowserType: "chromium" },
      testMatch: PHONE,
    },
    {
      // Runs last and alone, because it stops services.
      name: "outage",
      use: { viewport: { width: 1280, height: 900 } },
      testMatch: /outage\.spec\.ts/,
      dependencies: ["desktop", "phone"],
    },
    {
      // Last of all, because it moves the clock of the local Stripe server.
      name: "payday",
      use: { viewport: { width: 1280, height: 900 } },
      testMatch: /payday\.spec\.ts/,
      dependencies: ["outage"],
    },
  ],
});
