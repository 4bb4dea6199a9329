import type { Page } from "@playwright/test";
import { expect, pay, reserve, test } from "./fixtures.ts";

/** Opens a page and waits until its event stream is connected. */
async function gotoAndConnect(page: Page, path: string): Promise<void> {
  const stream = page.waitForResponse((response) => response.url().endsWith("/events"));
  await page.goto(path);
  await stream;
}

test("a reservation and its cancellation are shown on every open page", async ({
  page,
  context,
  seller,
  newUser,
}) => {
  const ticket = await seller.list("Live at the Apollo");
  const detail = await context.newPage();
  await gotoAndConnect(page, `/?q=${encodeURIComponent(ticket.title)}`);
  await gotoAndConnect(detail, `/tickets/${ticket.id}`);
  const row = page.getByRole("listitem").filter({ hasText: ticket.title });
  await expect(row).not.toContainText("Reserved");

  const buyer = await newUser();
  const order = await reserve(buyer.request, ticket);
  await expect(row).toContainText("Reserved", { timeout: 3_000 });
  await expect(detail.getByText("Someone is paying for this ticket right now")).toBeVisible({
    timeout: 3_000,
  });

  await buyer.request.delete(`/api/orders/${order.id}`);
  await expect(row).not.toContainText("Reserved", { timeout: 3_000 });
  await expect(detail.getByRole("link", { name: "Sign in to reserve" })).toBeVisible();
});

test("a page whose stream is refused looks now and then, and when it gets the focus", async ({
  page,
  seller,
  newUser,
}) => {
  const ticket = await seller.list("Without a stream");
  const refusal = { errors: [{ message: "Too many open event streams" }] };
  await page.route("**/api/tickets/events", (route) =>
    route.fulfill({ status: 429, json: refusal }),
  );
  await page.clock.install();
  await page.goto(`/tickets/${ticket.id}`);
  await expect(page.getByRole("link", { name: "Sign in to reserve" })).toBeVisible();

  const buyer = await newUser();
  const order = await reserve(buyer.request, ticket);
  await expect(async () => {
    await page.clock.fastForward(40_000);
    await expect(page.getByText("Someone is paying for this ticket right now")).toBeVisible({
      timeout: 1_000,
    });
  }).toPass({ timeout: 20_000 });

  await buyer.request.delete(`/api/orders/${order.id}`);
  await expect(async () => {
    await page.evaluate(() => window.dispatchEvent(new Event("focus")));
    await expect(page.getByRole("link", { name: "Sign in to reserve" })).toBeVisible({
      timeout: 1_000,
    });
  }).toPass({ timeout: 10_000 });
});

test("a new ticket is announced and shown on request", async ({ page, seller }) => {
  await gotoAndConnect(page, "/");
  const list = page.getByRole("main").getByRole("list").last();
  const before = await list.boundingBox();
  const ticket = await seller.list("Just listed");
  await expect(page.getByRole("button", { name: "Show them" })).toBeVisible();
  expect(await list.boundingBox()).toEqual(before);
  await page.getByRole("link", { name: "Imprint" }).click({ trial: true }); // not behind the notice
  await page.getByRole("button", { name: "Show them" }).click();
  await expect(page.getByRole("link", { name: ticket.title })).toBeVisible();
  await expect(page.getByRole("button", { name: "Show them" })).toBeHidden();
});

test("a sale is shown live on the seller's list", async ({ signedInPage: page, newUser }) => {
  const response = await page.request.post("/api/tickets", { data: { title: "Mine", price: 5 } });
  const ticket = (await response.json()) as { id: string; title: string };
  await gotoAndConnect(page, "/tickets/mine");
  const row = page.getByRole("listitem").filter({ hasText: "Mine" });
  await expect(row).toContainText("Available");

  const buyer = await newUser();
  const order = await reserve(buyer.request, ticket);
  await expect(row).toContainText("Reserved");
  await pay(buyer.request, order);
  await expect(row).toContainText("Sold");
});

test("two browsers race for a ticket: one reserves it, one sees that it is taken", async ({
  seller,
  newUser,
}) => {
  const ticket = await seller.list("Last seat");
  let release = () => {};
  const bothClicked = new Promise<void>((begin) => (release = begin));
  let clicked = 0;
  const pages = await Promise.all(
    [await newUser(), await newUser()].map(async (context) => {
      const page = await context.newPage();
      await page.goto(`/tickets/${ticket.id}`);
      // Hold the first request until both users have clicked.
      await page.route("**/api/orders", async (route) => {
        clicked += 1;
        if (clicked === 2) release();
        await bothClicked;
        await route.continue();
      });
      return page;
    }),
  );
  await Promise.all(
    pages.map((page) => page.getByRole("button", { name: "Reserve and pay" }).click()),
  );
  const outcomes = await Promise.all(
    pages.map(async (page) => {
      const won = page.getByRole("heading", { name: "Pay for your ticket" });
      const lost = page.getByText("Someone is paying for this ticket right now");
      await expect(won.or(lost)).toBeVisible();
      return (await won.isVisible()) ? "won" : "lost";
    }),
  );
  expect(outcomes.sort()).toEqual(["lost", "won"]);
});

test("an unpaid order expires on the open page", async ({ signedInPage: page, seller }) => {
  const seconds = Number(process.env.ORDER_EXPIRATION_SECONDS ?? 900);
  test.setTimeout((seconds + 60) * 1_000);
  const order = await reserve(page.request, await seller.list("Never paid"));
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
