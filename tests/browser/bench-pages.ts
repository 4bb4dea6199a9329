import type { APIRequestContext, Page } from "@playwright/test";
import { reserve, Seller } from "./fixtures.ts";
import { buy, listInVault } from "./originals.ts";
import { newCode } from "./ticket-files.ts";

const LINK = `letter=${"0".repeat(24)}&token=${"A".repeat(43)}`;

/** What a page shows. */
export interface BenchData {
  seller: Seller;
  user: APIRequestContext;
  showId: string;
  /** A bought ticket whose file is in the vault, and its order. */
  passId: string;
  orderId: string;
}

/** A page to measure, for a visitor or a signed-in user, and what is done on it to measure INP. */
export interface BenchPage {
  name: string;
  signedIn?: true;
  german?: true;
  /** Its card form is not in the page's budget. */
  hasCardForm?: true;
  path: (data: BenchData) => string | Promise<string>;
  act?: (page: Page) => Promise<unknown>;
}

export async function prepareData(
  seller: Seller,
  user: APIRequestContext,
): Promise<BenchData> {
  const ticket = await listInVault(seller, newCode());
  const order = await buy(user, ticket);
  const { id } = await seller.addShow();
  return { seller, user, showId: id, passId: ticket.id, orderId: order.id };
}

/** Opens the menu of a phone and closes it. */
export async function openMenu(page: Page): Promise<void> {
  const menu = page.locator("button[popovertarget=menu]");
  if (!(await menu.isVisible())) return;
  await menu.click();
  await page.keyboard.press("Escape");
}

const type = (name: string) => async (page: Page) =>
  page
    .locator(`[name="${name}"]`)
    .first()
    .pressSequentially("Ham", { delay: 50 });
const submit = (page: Page) =>
  page.locator("main form [type=submit]").last().click();

export const HOME = {
  name: "home",
  path: () => "/",
  act: type("q"),
} satisfies BenchPage;

export const BENCH_PAGES: BenchPage[] = [
  HOME,
  { name: "home in German", german: true, path: () => "/", act: type("q") },
  { name: "a search", path: () => "/?q=Measured&sort=price", act: type("q") },
  { name: "a show", path: ({ showId }) => `/shows/${showId}` },
  {
    name: "a ticket to buy",
    signedIn: true,
    path: async ({ seller }) =>
      `/tickets/${(await seller.list("Measured")).id}`,
    act: (page) => page.locator("main article button").first().click(),
  },
  {
    name: "an own ticket",
    signedIn: true,
    path: async ({ user }) =>
      `/tickets/${(await new Seller(user).list("Own")).id}`,
    act: type("title"),
  },
  { name: "to sell", signedIn: true, path: () => "/tickets/new", act: submit },
  {
    name: "to sell again",
    signedIn: true,
    path: ({ orderId }) => `/orders/${orderId}/resell`,
    act: type("price"),
  },
  {
    name: "to add a show",
    signedIn: true,
    path: () => "/shows/new",
    act: submit,
  },
  {
    name: "an order to pay",
    signedIn: true,
    hasCardForm: true,
    path: async ({ seller, user }) =>
      `/orders/${(await reserve(user, await seller.list("Ordered"))).id}`,
  },
  {
    name: "a paid order",
    signedIn: true,
    path: ({ orderId }) => `/orders/${orderId}`,
  },
  { name: "my orders", signedIn: true, path: () => "/orders" },
  { name: "my tickets", signedIn: true, path: () => "/tickets/mine" },
  {
    name: "a bought ticket",
    signedIn: true,
    path: ({ passId }) => `/pass/${passId}`,
  },
  { name: "the account", signedIn: true, path: () => "/account" },
  {
    name: "its address",
    signedIn: true,
    path: () => "/account/email",
    act: submit,
  },
  {
    name: "its password",
    signedIn: true,
    path: () => "/account/password",
    act: submit,
  },
  { name: "its passkeys", signedIn: true, path: () => "/account/passkeys" },
  { name: "its messages", signedIn: true, path: () => "/account/notices" },
  { name: "its deletion", signedIn: true, path: () => "/account/leave" },
  { name: "the earnings", signedIn: true, path: () => "/account/earnings" },
  { name: "sign-in", path: () => "/auth/signin", act: submit },
  {
    name: "sign-in in German",
    german: true,
    path: () => "/auth/signin",
    act: submit,
  },
  { name: "sign-up", path: () => "/auth/signup", act: submit },
  { name: "a forgotten password", path: () => "/auth/forgot", act: submit },
  {
    name: "a letter's new password",
    path: () => `/auth/reset?${LINK}`,
    act: submit,
  },
  { name: "a letter's confirmation", path: () => `/auth/verify?${LINK}` },
  { name: "help", path: () => "/help" },
];
