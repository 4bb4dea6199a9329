import type { Browser, BrowserContext, Page } from "@playwright/test";
import { expect, PASSWORD, pay, reserve, Seller, signUp, test } from "./fixtures.ts";
import { DEVICES, openPage, type Screenshot } from "./screenshot-devices.ts";
import { CARDS, fillCard, payWith } from "./stripe-frame.ts";

const FOR_SALE: [string, number][] = [
  ["Standing ticket, Staatsoper: La Traviata, Sunday 18:30", 15],
  ["Nick Cave & The Bad Seeds, Wembley Arena, block A12 row 4", 118.5],
  ["Wimbledon, Centre Court, second Tuesday", 240],
  ["Hamilton, Victoria Palace, stalls row G, Saturday matinée", 89.99],
  ["Rapid against Austria, south stand", 32],
  ["Glastonbury coach and weekend", 365],
  ["Pub quiz final with dinner for two", 27.5],
  ["Chamber music by candlelight: Schubert, quintet in C", 44],
  ["Moma late opening, Friday", 12],
  ["New Year’s Day concert, Musikverein, parterre right", 1240],
];

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
  const tickets = [];
  for (const [title, price] of FOR_SALE) tickets.push(await seller.list(title, price, title));
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
  const [cancelled, declined, taken, wanted] = tickets.slice(-4);
  await page.goto(`/tickets/${wanted!.id}`);
  await screenshot("ticket");
  const cancelledOrder = await reserve(context.request, cancelled!);
  await page.goto(`/orders/${cancelledOrder.id}`);
  await page.getByRole("button", { name: "Cancel order" }).click();
  await page.getByRole("alertdialog").waitFor();
  await screenshot("cancel");
  await context.request.delete(`/api/orders/${cancelledOrder.id}`);
  await page.goto(`/orders/${cancelledOrder.id}`);
  await screenshot("cancelled");
  const order = await reserve(context.request, declined!);
  await page.goto(`/orders/${order.id}`);
  await payWith(page, CARDS.insufficientFunds);
  await page.getByRole("main").getByRole("alert").waitFor();
  await screenshot("declined");
  const paid = await reserve(context.request, taken!);
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
  await page.goto(`/tickets/${declined!.id}`);
  await screenshot("ticket-ordered");
}
