import { type Browser, devices, type Page } from "@playwright/test";
import { join, resolve } from "node:path";

export const ROOT = resolve(import.meta.dirname, "../..");
const OUTPUT = join(ROOT, ".local/screenshots");

/** The README's images: the viewport only, at one pixel per CSS pixel. */
const README_IMAGES: Record<string, string> = {
  "show-desk-light": "tickets",
  "pay-desk-light": "pay",
  "show-phone-dark": "tickets-phone",
  "paid-phone-light": "paid-phone",
};

const DESK = { viewport: { width: 1280, height: 860 } };
const PHONE = devices["Pixel 7"];

export const DEVICES = {
  "desk-light": { ...DESK, colorScheme: "light" },
  "desk-dark": { ...DESK, colorScheme: "dark" },
  "phone-light": { ...PHONE, colorScheme: "light" },
  "phone-dark": { ...PHONE, colorScheme: "dark" },
} as const;

/** Writes a screenshot of the whole page under a name. */
export type Screenshot = (name: string) => Promise<void>;

/** Opens a page on a device, and returns it with a function for its screenshots. */
export async function openPage(
  browser: Browser,
  device: string,
  settings: (typeof DEVICES)[keyof typeof DEVICES],
  locale: string,
): Promise<[Page, Screenshot]> {
  const context = await browser.newContext({
    ...settings,
    locale,
    timezoneId: "Europe/Vienna",
    baseURL: process.env.BASE_URL ?? "",
  });
  const page = await context.newPage();
  const screenshot = async (name: string) => {
    await page.evaluate(() => document.fonts.ready);
    const file = `${name}-${device}`;
    await page.screenshot({ path: join(OUTPUT, `${file}.png`), fullPage: true });
    if (README_IMAGES[file]) {
      const path = join(ROOT, "docs/images", `${README_IMAGES[file]}.png`);
      await page.screenshot({ path, scale: "css" });
    }
  };
  return [page, screenshot];
}
