import type { Page } from "@playwright/test";
import { expect, Seller, signUp, test } from "./fixtures.ts";
import { buy, listInVault } from "./originals.ts";
import { DEVICES, openPage, type Screenshot } from "./screenshot-devices.ts";
import { newCode, ticketPdf, ticketPng, type TicketFile } from "./ticket-files.ts";

for (const [device, settings] of Object.entries(DEVICES)) {
  for (const locale of ["en-US", "de-DE"]) {
    test(`${device}, ${locale}`, async ({ browser, seller }) => {
      const [page, screenshot] = await openPage(browser, `${device}-${locale}`, settings, locale);
      await signUp(page.request);
      await captureUpload(page, screenshot);
      await capturePass(page, seller, screenshot);
      await page.context().close();
    });
  }
}

/** In any language, so elements are found by their structure. */
async function captureUpload(page: Page, screenshot: Screenshot): Promise<void> {
  const seller = new Seller(page.request);
  const show = await seller.addShow();
  const seat = { section: "B", row: "4", seat: "12" };
  const { id } = await seller.list(show.name, 42.5, show.name, { showId: show.id, seat });
  await page.goto(`/tickets/${id}`);
  await screenshot("vault-empty");
  const section = page.locator("section[aria-labelledby=file]");
  const choose = (file: TicketFile) => page.locator("[data-file]").setInputFiles(file);
  await choose({ name: "ticket.html", mimeType: "text/html", buffer: Buffer.from("<p>") });
  await section.getByRole("alert").waitFor();
  await screenshot("vault-refused");
  await choose(ticketPng(newCode()));
  await section.getByRole("img").waitFor();
  await screenshot("vault-picture");
  await section.getByRole("button").nth(1).click();
  await choose(ticketPdf(newCode(), newCode()));
  await expect(section.getByRole("button")).toHaveCount(2);
  await screenshot("vault-pdf");
  await section.getByRole("button").first().click();
  await page.locator("[data-file]").waitFor({ state: "attached" });
  await screenshot("vault-stored");
  await page.goto("/");
  await screenshot("tickets-grades");
}

async function capturePass(page: Page, seller: Seller, screenshot: Screenshot): Promise<void> {
  const ticket = await listInVault(seller, newCode());
  await page.goto(`/tickets/${ticket.id}`);
  await screenshot("ticket-in-vault");
  const order = await buy(page.request, ticket);
  await page.goto(`/orders/${order.id}`);
  await page.getByRole("article").waitFor();
  await screenshot("paid-from-vault");
  await page.goto(`/orders/${order.id}/resell`);
  await screenshot("resell-sealed");
  await page.goto(`/pass/${ticket.id}`);
  await screenshot("pass-sealed");
  await page.locator("form button[type=submit]").first().click();
  await page.locator("[data-code] img").waitFor();
  await expect(page.locator("main [role=status]")).toContainText(/until|bis/);
  await screenshot("pass-open");
  await page.emulateMedia({ media: "print" });
  await screenshot("pass-printed");
  await page.emulateMedia({ media: null });
  await page.context().setOffline(true);
  await page.reload();
  await page.locator(".sheet img").waitFor();
  await screenshot("pass-offline");
  await page.context().setOffline(false);
  await page.goto(`/orders/${order.id}/resell`);
  await screenshot("resell-opened");
  await page.locator("input[name=price]").fill("45");
  await page.locator("main form button[type=submit]").click();
  await page.waitForURL(/\/tickets\//);
  await screenshot("resold-listing");
  await page.goto(`/pass/${ticket.id}`);
  await screenshot("pass-listed");
}
