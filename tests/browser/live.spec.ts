import type { Page } from "@playwright/test";
import { expect, pay, reserve, test } from "./fixtures.ts";

/** Opens a page and waits until it follows its stream. */
async function follow(page: Page, path: string): Promise<void> {
  const stream = page.waitForResponse((response) => response.url().endsWith("/events"));
  await page.goto(path);
  await stream;
}

test("a ticket that somebody takes turns unavailable on every open screen, and free again", async ({
  page,
  context,
  seller,
  another,
}) => {
  const ticket = await seller.lists("Live at the Apollo");
  const detail = await context.newPage();
  await follow(page, `/?q=${encodeURIComponent(ticket.title)}`);
  await follow(detail, `/tickets/${ticket.id}`);
  const row = page.getByRole("listitem").filter({ hasText: ticket.title });
  await expect(row).not.toContainText("Reserved");

  const buyer = await another();
  const order = await reserve(buyer.request, ticket);
  await expect(row).toContainText("Reserved", { timeout: 3_000 });
  await expect(detail.getByText("Someone is paying for this ticket right now")).toBeVisible({
    timeout: 3_000,
  });

  await buyer.request.delete(`/api/orders/${order.id}`);
  await expect(row).not.toContainText("Reserved", { timeout: 3_000 });
  await expect(detail.getByRole("link", { name: "Sign in to reserve" })).toBeVisible();
});

test("a new ticket is announced, and shown when the reader wants it", async ({ page, seller }) => {
  await follow(page, "/");
  const ticket = await seller.lists("Just listed");
  await page.getByRole("button", { name: "Show them" }).click();
  await expect(page.getByRole("link", { name: ticket.title })).toBeVisible();
  await expect(page.getByRole("button", { name: "Show them" })).toBeHidden();
});

test("a seller sees the sale happen", async ({ signedInPage: page, another }) => {
  const listed = await page.request.post("/api/tickets", { data: { title: "Mine", price: 5 } });
  const ticket = (await listed.json()) as { id: string; title: string };
  await follow(page, "/tickets/mine");
  const row = page.getByRole("listitem").filter({ hasText: "Mine" });
  await expect(row).toContainText("Available");

  const buyer = await another();
  const order = await reserve(buyer.request, ticket);
  await expect(row).toContainText("Reserved");
  await pay(buyer.request, order);
  await expect(row).toContainText("Sold");
});

test("two browsers race for one ticket: one reserves it, the other is told", async ({
  seller,
  another,
}) => {
  const ticket = await seller.lists("Last seat");
  let start = () => {};
  const started = new Promise<void>((begin) => (start = begin));
  let waiting = 0;
  const pages = await Promise.all(
    [await another(), await another()].map(async (context) => {
      const page = await context.newPage();
      await page.goto(`/tickets/${ticket.id}`);
      // Neither leaves before both have pressed the button, however unevenly the browsers run.
      await page.route("**/api/orders", async (route) => {
        waiting += 1;
        if (waiting === 2) start();
        await started;
        await route.continue();
      });
      return page;
    }),
  );
  await Promise.all(
    pages.map((page) => page.getByRole("button", { name: "Reserve and pay" }).click()),
  );
  const told = await Promise.all(
    pages.map(async (page) => {
      const won = page.getByRole("heading", { name: "Pay for your ticket" });
      const lost = page.getByText("Someone is paying for this ticket right now");
      await expect(won.or(lost)).toBeVisible();
      return (await won.isVisible()) ? "won" : "lost";
    }),
  );
  expect(told.sort()).toEqual(["lost", "won"]);
});

test("an order that is not paid in time expires on the screen", async ({
  signedInPage: page,
  seller,
}) => {
  const seconds = Number(process.env.ORDER_EXPIRATION_SECONDS ?? 900);
  test.setTimeout((seconds + 60) * 1_000);
  const order = await reserve(page.request, await seller.lists("Never paid"));
  await page.goto(`/orders/${order.id}`);
  const timer = page.getByRole("timer");
  await expect(timer).toHaveText(/^\d\d:\d\d$/);

  const before = await timer.textContent();
  await expect(timer).not.toHaveText(before ?? "");
  await expect(page.getByRole("heading", { name: "Time ran out" })).toBeVisible({
    timeout: (seconds + 10) * 1_000,
  });
  await expect(page.getByRole("main")).toContainText("Nothing was charged");
  await page.getByRole("link", { name: "See if it is still available" }).click();
  await expect(page.getByRole("button", { name: "Reserve and pay" })).toBeVisible();
});
