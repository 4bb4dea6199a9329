import type { Page } from "@playwright/test";

/** Whatever the browser complains of while a page is open: errors, hydration, refused scripts. */
export function complaintsOf(page: Page): string[] {
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    const expected = message.text().startsWith("Failed to load resource"); // a 404 is what we ask for
    if (["error", "warning"].includes(message.type()) && !expected) complaints.push(message.text());
  });
  return complaints;
}
