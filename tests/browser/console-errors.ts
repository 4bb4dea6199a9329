import type { Page } from "@playwright/test";

/** Collects the page's errors and console warnings, such as hydration and policy errors. */
export function collectConsoleErrors(page: Page): string[] {
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("console", (message) => {
    // Error statuses are part of many tests.
    const isFailedRequest = message.text().startsWith("Failed to load resource");
    if (["error", "warning"].includes(message.type()) && !isFailedRequest)
      errors.push(message.text());
  });
  return errors;
}
