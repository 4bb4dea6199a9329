import type { Page } from "@playwright/test";
import { expect, type Order, Seller, type Ticket } from "./fixtures.ts";
import { listInVault } from "./originals.ts";
import { reloadUntil } from "./sales.ts";
import { CARDS, payWith } from "./stripe-frame.ts";
import { newCode, ticketPng } from "./ticket-files.ts";

/** The query of a link in a letter, as it looks. */
const LINK = `letter=${"0".repeat(24)}&token=${"A".repeat(43)}`;

/** A page, or a state of one, that must be accessible, stable and free of console errors. */
export interface PageCase {
  name: string;
  heading: RegExp;
  open: (page: Page, testData: TestData) => Promise<unknown>;
}

/** What a page shows, made when its case asks for it. */
export interface TestData {
  ticketId: () => Promise<string>;
  showId: () => Promise<string>;
  showTicketId: () => Promise<string>;
  ownTicketId: () => Promise<string>;
  orderId: () => Promise<string>;
  /** Buys a ticket whose seller then offers the money back. */
  orderWithOffer: () => Promise<string>;
  /** Sells a ticket of the signed-in user. */
  sell: () => Promise<Order>;
  /** Buys a ticket whose file is in the vault. */
  buyFromVault: () => Promise<{ ticket: Ticket; order: Order }>;
}

export const PAGE_CASES: PageCase[] = [
  { name: "tickets", heading: /You can/, open: (page) => page.goto("/") },
  {
    name: "a search without results",
    heading: /You can/,
    open: (page) => page.goto("/?q=zzzz-nothing"),
  },
  {
    name: "a ticket",
    heading: /Accessible/,
    open: async (page, { ticketId }) => page.goto(`/tickets/${await ticketId()}`),
  },
  {
    name: "the seller's own ticket",
    heading: /Own listing/,
    open: async (page, { ownTicketId }) => page.goto(`/tickets/${await ownTicketId()}`),
  },
  {
    name: "a show",
    heading: /Hamlet/,
    open: async (page, { showId }) => page.goto(`/shows/${await showId()}`),
  },
  {
    name: "the ticket of a show",
    heading: /Accessible/,
    open: async (page, { showTicketId }) => page.goto(`/tickets/${await showTicketId()}`),
  },
  { name: "a new show", heading: /Add a show/, open: (page) => page.goto("/shows/new") },
  {
    name: "a show to change",
    heading: /Change the show/,
    open: async (page) => {
      const { id } = await new Seller(page.request).addShow();
      return page.goto(`/shows/${id}/edit`);
    },
  },
  {
    name: "a withdrawal",
    heading: /Withdraw this ticket/,
    open: async (page, { ownTicketId }) => page.goto(`/tickets/${await ownTicketId()}/withdraw`),
  },
  {
    name: "the search for a show",
    heading: /Sell a ticket/,
    open: async (page, { showId }) => {
      await showId();
      return page.goto("/tickets/new?find=Hamlet");
    },
  },
  { name: "a new ticket", heading: /Sell a ticket/, open: (page) => page.goto("/tickets/new") },
  {
    name: "a form with errors",
    heading: /Sell a ticket/,
    open: async (page) => {
      await page.goto("/tickets/new");
      await page.getByRole("button", { name: "List ticket" }).click();
    },
  },
  {
    name: "my tickets, empty",
    heading: /My tickets/,
    open: (page) => page.goto("/tickets/mine"),
  },
  {
    name: "my tickets",
    heading: /My tickets/,
    open: async (page, { ownTicketId }) => {
      await ownTicketId();
      return page.goto("/tickets/mine");
    },
  },
  { name: "my orders, empty", heading: /My orders/, open: (page) => page.goto("/orders") },
  {
    name: "my orders",
    heading: /My orders/,
    open: async (page, { orderId }) => {
      await orderId();
      return page.goto("/orders");
    },
  },
  {
    name: "an order to pay",
    heading: /Pay for your ticket/,
    open: async (page, { orderId }) => page.goto(`/orders/${await orderId()}`),
  },
  {
    name: "a paid order",
    heading: /It’s yours/,
    open: async (page, { orderId }) => {
      await page.goto(`/orders/${await orderId()}`);
      await payWith(page, CARDS.valid);
      await expect(page.getByRole("article", { name: "Receipt" })).toContainText("4242");
      await page.reload();
    },
  },
  {
    name: "a paid order whose seller offers the money back",
    heading: /It’s yours/,
    open: async (page, { orderWithOffer }) => page.goto(`/orders/${await orderWithOffer()}`),
  },
  {
    name: "a refunded order",
    heading: /You got your money back/,
    open: async (page, { orderWithOffer }) => {
      const id = await orderWithOffer();
      await page.request.post(`/api/orders/${id}/refund-accept`);
      await reloadUntil(page, `/orders/${id}`, "You got your money back");
    },
  },
  {
    name: "a cancelled order",
    heading: /You cancelled this order/,
    open: async (page, { orderId }) => {
      const id = await orderId();
      await page.request.delete(`/api/orders/${id}`);
      return page.goto(`/orders/${id}`);
    },
  },
  {
    name: "the dialog to cancel an order",
    heading: /Pay for your ticket/,
    open: async (page, { orderId }) => {
      await page.goto(`/orders/${await orderId()}`);
      await page.getByRole("button", { name: "Cancel order" }).click();
      await expect(page.getByRole("alertdialog")).toBeVisible();
    },
  },
  {
    name: "an own ticket in the vault, beside a file to replace it",
    heading: /In the vault/,
    open: async (page) => {
      const { id } = await listInVault(new Seller(page.request), newCode());
      await page.goto(`/tickets/${id}`);
      await page.locator("[data-file]").setInputFiles(ticketPng(newCode()));
      await expect(page.getByRole("img", { name: "Preview of ticket.png" })).toBeVisible();
    },
  },
  {
    name: "a paid order whose ticket is in the vault",
    heading: /It’s yours/,
    open: async (page, { buyFromVault }) => page.goto(`/orders/${(await buyFromVault()).order.id}`),
  },
  {
    name: "a sealed ticket",
    heading: /Your ticket is in the vault/,
    open: async (page, { buyFromVault }) => page.goto(`/pass/${(await buyFromVault()).ticket.id}`),
  },
  {
    name: "an opened ticket",
    heading: /In the vault/,
    open: async (page, { buyFromVault }) => {
      const { id } = (await buyFromVault()).ticket;
      await page.request.post(`/api/tickets/${id}/pass/reveal`);
      await page.goto(`/pass/${id}`);
      await expect(page.getByText("Saved on this device until you sign out.")).toBeVisible();
    },
  },
  {
    name: "a ticket of somebody else",
    heading: /This ticket isn’t yours to open/,
    open: async (page, { ticketId }) => page.goto(`/pass/${await ticketId()}`),
  },
  {
    name: "a ticket to list again",
    heading: /List it again/,
    open: async (page, { buyFromVault }) =>
      page.goto(`/orders/${(await buyFromVault()).order.id}/resell`),
  },
  {
    name: "a ticket to list again, with a price that is refused",
    heading: /List it again/,
    open: async (page, { buyFromVault }) => {
      await page.goto(`/orders/${(await buyFromVault()).order.id}/resell`);
      await page.getByRole("button", { name: "List it again" }).click();
    },
  },
  { name: "the account", heading: /Account/, open: (page) => page.goto("/account") },
  {
    name: "the earnings, empty",
    heading: /Earnings/,
    open: (page) => page.goto("/account/earnings"),
  },
  {
    name: "the earnings, with a refund to offer",
    heading: /Earnings/,
    open: async (page, { sell }) => {
      await sell();
      await reloadUntil(page, "/account/earnings", "Offer a refund");
      await page.getByText("Offer a refund").click();
      await expect(page.getByRole("button", { name: "Offer the refund" })).toBeVisible();
    },
  },
  {
    name: "a password to change",
    heading: /Change password/,
    open: (page) => page.goto("/account/password"),
  },
  {
    name: "an address to change",
    heading: /Change address/,
    open: (page) => page.goto("/account/email"),
  },
  {
    name: "the passkeys",
    heading: /Passkeys and second step/,
    open: (page) => page.goto("/account/passkeys"),
  },
  {
    name: "an export and a deletion",
    heading: /Export or delete your account/,
    open: (page) => page.goto("/account/leave"),
  },
  {
    name: "a deletion to confirm",
    heading: /Delete your account/,
    open: (page) => page.goto("/account/leave/confirm"),
  },
  {
    name: "a deletion that has to wait",
    heading: /Delete your account/,
    open: async (page) => {
      await page.goto("/account/leave/confirm?problem=leaveUnpaid&from=2030-01-01T12:00:00Z");
      await expect(page.getByRole("main").getByRole("alert")).toContainText("can be deleted from");
    },
  },
  {
    name: "a deletion that has begun",
    heading: /Your account is being deleted/,
    open: (page) => page.goto("/account/leave?done=1"),
  },
  {
    name: "a password to give again",
    heading: /Confirm that it’s you/,
    open: (page) => page.goto("/auth/confirm?next=%2Faccount%2Femail"),
  },
  {
    name: "a second step to keep",
    heading: /Keep the second step/,
    open: (page) => page.goto(`/auth/keep-second-step?${LINK}`),
  },
  {
    name: "the messages",
    heading: /Messages to you/,
    open: async (page) => {
      await expect(async () => {
        await page.goto("/account/notices");
        await expect(page.getByText("a link to confirm your address")).toBeVisible({
          timeout: 1_000,
        });
      }).toPass();
    },
  },
  {
    name: "a link to confirm an address",
    heading: /Confirm your email address/,
    open: (page) => page.goto(`/auth/verify?${LINK}`),
  },
  {
    name: "a link to confirm an address that does not work any more",
    heading: /Confirm your email address/,
    open: async (page) => {
      await page.goto(`/auth/verify?${LINK}`);
      await page.getByRole("button", { name: "Confirm address" }).click();
      await expect(page.getByRole("main").getByRole("alert")).toBeVisible();
    },
  },
  {
    name: "a forgotten password",
    heading: /Forgot your password/,
    open: (page) => page.goto("/auth/forgot"),
  },
  {
    name: "a new password",
    heading: /Choose a new password/,
    open: (page) => page.goto(`/auth/reset?${LINK}`),
  },
  {
    name: "an unknown page",
    heading: /Page not found/,
    open: (page) => page.goto("/nowhere"),
  },
  {
    name: "an unknown order",
    heading: /Page not found/,
    open: (page) => page.goto("/orders/000000000000000000000000"),
  },
];
