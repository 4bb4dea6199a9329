import { type Browser, type BrowserContext, devices, type Page } from "@playwright/test";
import { join, resolve } from "node:path";
import { CARDS, payWith, typeCard } from "./stripe-frame.ts";
import { expect, pay, PASSWORD, reserve, Seller, signUp, test } from "./fixtures.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const SCREENS = join(ROOT, ".local/screenshots");

/** Those that the README shows: of a height that suits it, at one pixel a point. */
const README: Record<string, string> = {
  "tickets-desk-light": "tickets",
  "pay-desk-light": "pay",
  "tickets-phone-dark": "tickets-phone",
  "paid-phone-light": "paid-phone",
};

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

const LOOKS = {
  "desk-light": { viewport: { width: 1280, height: 860 }, colorScheme: "light" },
  "desk-dark": { viewport: { width: 1280, height: 860 }, colorScheme: "dark" },
  "phone-light": { ...devices["Pixel 7"], colorScheme: "light" },
  "phone-dark": { ...devices["Pixel 7"], colorScheme: "dark" },
} as const;

for (const [look, settings] of Object.entries(LOOKS)) {
  test(look, async ({ browser, seller }) => {
    const context = await browser.newContext({
      ...settings,
      locale: "en-US",
      timezoneId: "Europe/Vienna",
      baseURL: process.env.BASE_URL ?? "",
    });
    const page = await context.newPage();
    const keep = async (name: string) => {
      await page.evaluate(() => document.fonts.ready);
      const file = `${name}-${look}`;
      await page.screenshot({ path: join(SCREENS, `${file}.png`), fullPage: true });
      if (README[file]) {
        const path = join(ROOT, "docs/images", `${README[file]}.png`);
        await page.screenshot({ path, scale: "css" });
      }
    };
    await signedOut(page, keep);
    await signUp(context.request);
    await empty(page, keep);
    await selling(page, context, browser, keep);
    await buying(page, context, seller, keep);
    await context.close();
  });
}

type Keep = (name: string) => Promise<void>;

async function signedOut(page: Page, keep: Keep): Promise<void> {
  await page.goto("/auth/signin");
  await keep("signin");
  await page.getByLabel("Email").fill("nobody@example.com");
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("main").getByRole("alert").waitFor();
  await keep("signin-refused");
  await page.goto("/auth/signup");
  await keep("signup");
}

async function empty(page: Page, keep: Keep): Promise<void> {
  for (const [path, name] of [
    ["/?q=nothing", "tickets-none"],
    ["/tickets/mine", "mine-none"],
    ["/orders", "orders-none"],
    ["/nowhere", "not-found"],
    ["/account", "account"],
  ] as const) {
    await page.goto(path);
    await keep(name);
  }
}

async function selling(
  page: Page,
  context: BrowserContext,
  browser: Browser,
  keep: Keep,
): Promise<void> {
  await page.goto("/tickets/new");
  await keep("new");
  await page.getByLabel("Price").fill("0.1");
  await page.getByRole("button", { name: "List ticket" }).click();
  await keep("new-refused");
  const own = new Seller(context.request);
  const lists = (title: string, price: number) => own.lists(title, price, title);
  await lists("An old one that nobody wanted, at a price that is no price", 999_999.99);
  const sold = await lists("Two seats at the back of the balcony, matinée", 61.2);
  const mine = await lists("Front row, Saturday: The Tempest, Globe Theatre", 74);
  const buyer = await browser.newContext({ baseURL: process.env.BASE_URL ?? "" });
  await signUp(buyer.request);
  await pay(buyer.request, await reserve(buyer.request, sold));
  await page.goto(`/tickets/${mine.id}`);
  await keep("own-ticket");
  await reserve(buyer.request, mine);
  await expect(page.getByText("A buyer has reserved your ticket.")).toBeVisible();
  await keep("own-ticket-reserved");
  await page.goto("/tickets/mine");
  await keep("mine");
  await page.goto("/account");
  await keep("account");
  await buyer.close();
}

async function buying(
  page: Page,
  context: BrowserContext,
  seller: Seller,
  keep: Keep,
): Promise<void> {
  const tickets = [];
  for (const [title, price] of FOR_SALE) tickets.push(await seller.lists(title, price, title));
  await page.goto("/");
  await keep("tickets");
  const menu = page.getByRole("button", { name: "Menu" });
  if (await menu.isVisible()) {
    await menu.click();
    await keep("menu");
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Sort and filter" }).click();
    await keep("filters");
  }
  const [cancelled, declined, taken, wanted] = tickets.slice(-4);
  await page.goto(`/tickets/${wanted!.id}`);
  await keep("ticket");
  const lost = await reserve(context.request, cancelled!);
  await page.goto(`/orders/${lost.id}`);
  await page.getByRole("button", { name: "Cancel order" }).click();
  await page.getByRole("alertdialog").waitFor();
  await keep("cancel");
  await context.request.delete(`/api/orders/${lost.id}`);
  await page.goto(`/orders/${lost.id}`);
  await keep("cancelled");
  const order = await reserve(context.request, declined!);
  await page.goto(`/orders/${order.id}`);
  await payWith(page, CARDS.poor);
  await page.getByRole("main").getByRole("alert").waitFor();
  await keep("declined");
  const paid = await reserve(context.request, taken!);
  await page.goto(`/orders/${paid.id}`);
  await typeCard(page, CARDS.good);
  await page.getByRole("heading", { level: 1 }).click();
  await keep("pay");
  await page.getByRole("button", { name: /^Pay \$/ }).click();
  await page.getByRole("heading", { name: "It’s yours" }).waitFor();
  await expect(page.getByRole("article")).toContainText("4242");
  await keep("paid");
  await page.goto("/orders");
  await keep("orders");
  await page.goto(`/tickets/${declined!.id}`);
  await keep("ticket-ordered");
}
