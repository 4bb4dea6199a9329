import type { Browser, BrowserContext, Page } from "@playwright/test";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, PASSWORD, pay, reserve, Seller, type Show, signUp, test } from "./fixtures.ts";
import { store } from "./originals.ts";
import { DEVICES, openPage, ROOT, type Screenshot } from "./screenshot-devices.ts";
import { CARDS, fillCard, payWith } from "./stripe-frame.ts";
import { newCode, ticketPdf } from "./ticket-files.ts";

/** The show of `make seed` whose tickets are ordered, and their title. */
const SHOW = "Cello Suites by Candlelight";
const TITLE = `${SHOW}, nave`;

for (const [device, settings] of Object.entries(DEVICES)) {
  test(device, async ({ browser, seller }) => {
    const [page, screenshot] = await openPage(browser, device, settings, "en-US");
    await captureSignedOut(page, screenshot);
    await signUp(page.request);
    await captureEmpty(page, screenshot);
    await captureSelling(page, page.context(), browser, screenshot);
    await captureBuying(page, page.context(), seller, screenshot);
    await page.context().close();
  });
}

async function captureSignedOut(page: Page, screenshot: Screenshot): Promise<void> {
  await page.goto("/auth/signin");
  await screenshot("signin");
  await page.getByLabel("Email").fill("nobody@example.com");
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByRole("main").getByRole("alert").waitFor();
  await screenshot("signin-refused");
  await page.goto("/auth/signup");
  await screenshot("signup");
}

async function captureEmpty(page: Page, screenshot: Screenshot): Promise<void> {
  for (const [path, name] of [
    ["/?q=nothing", "tickets-none"],
    ["/tickets/mine", "mine-none"],
    ["/orders", "orders-none"],
    ["/nowhere", "not-found"],
    ["/account", "account"],
  ] as const) {
    await page.goto(path);
    await screenshot(name);
  }
}

async function captureSelling(
  page: Page,
  context: BrowserContext,
  browser: Browser,
  screenshot: Screenshot,
): Promise<void> {
  await page.goto("/tickets/new");
  await screenshot("new");
  await page.getByLabel("Price").fill("0.1");
  await page.getByRole("button", { name: "List ticket" }).click();
  await screenshot("new-refused");
  const ownSeller = new Seller(context.request);
  const list = (title: string, price: number) => ownSeller.list(title, price, title);
  await list("Backstage pass at the highest possible price", 999_999.99);
  const sold = await list("Two seats at the back of the balcony, matinée", 61.2);
  const ownTicket = await list("Front row, Saturday: The Tempest, Globe Theatre", 74);
  const buyer = await browser.newContext({ baseURL: process.env.BASE_URL ?? "" });
  await signUp(buyer.request);
  await pay(buyer.request, await reserve(buyer.request, sold));
  await page.goto(`/tickets/${ownTicket.id}`);
  await screenshot("own-ticket");
  await reserve(buyer.request, ownTicket);
  await expect(page.getByText("A buyer has reserved your ticket.")).toBeVisible();
  await screenshot("own-ticket-reserved");
  await page.goto("/tickets/mine");
  await screenshot("mine");
  await page.goto("/account");
  await screenshot("account");
  await buyer.close();
}

async function captureBuying(
  page: Page,
  context: BrowserContext,
  seller: Seller,
  screenshot: Screenshot,
): Promise<void> {
  execFileSync(join(ROOT, ".venv/bin/ticketing"), ["seed", "--address", process.env.BASE_URL ?? ""]);
  const found = await seller.request.get("/api/tickets/shows", { params: { q: SHOW } });
  const [show] = (await found.json()) as Show[];
  const list = (seat: string) =>
    seller.list(TITLE, 38, TITLE, { showId: show!.id, seat: { section: "Nave", row: "D", seat } });
  const [cancelled, declined, wanted, taken] = [
    await list("7"),
    await list("8"),
    await list("15"),
    await list("16"),
  ];
  await store(seller.request, taken, ticketPdf(newCode()));
  await page.goto(`/shows/${show!.id}`);
  await screenshot("show");
  await page.goto("/");
  await screenshot("tickets");
  const menu = page.getByRole("button", { name: "Menu" });
  if (await menu.isVisible()) {
    await menu.click();
    await screenshot("menu");
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Sort and filter" }).click();
    await screenshot("filters");
  }
  await page.goto(`/tickets/${wanted.id}`);
  await screenshot("ticket");
  const cancelledOrder = await reserve(context.request, cancelled);
  await page.goto(`/orders/${cancelledOrder.id}`);
  await page.getByRole("button", { name: "Cancel order" }).click();
  await page.getByRole("alertdialog").waitFor();
  await screenshot("cancel");
  await context.request.delete(`/api/orders/${cancelledOrder.id}`);
  await page.goto(`/orders/${cancelledOrder.id}`);
  await screenshot("cancelled");
  const order = await reserve(context.request, declined);
  await page.goto(`/orders/${order.id}`);
  await payWith(page, CARDS.insufficientFunds);
  await page.getByRole("main").getByRole("alert").waitFor();
  await screenshot("declined");
  const paid = await reserve(context.request, taken);
  await page.goto(`/orders/${paid.id}`);
  await fillCard(page, CARDS.valid);
  await page.getByRole("heading", { level: 1 }).click();
  await screenshot("pay");
  await page.getByRole("button", { name: /^Pay \$/ }).click();
  await page.getByRole("heading", { name: "It’s yours" }).waitFor();
  await expect(page.getByRole("article")).toContainText("4242");
  await screenshot("paid");
  await page.goto("/orders");
  await screenshot("orders");
  await page.goto(`/tickets/${declined.id}`);
  await screenshot("ticket-ordered");
}
