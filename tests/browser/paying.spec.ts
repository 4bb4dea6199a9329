import type { Page } from "@playwright/test";
import { type Order, expect, reserve, test } from "./fixtures.ts";
import { answer3dsChallenge, CARDS, fillCard, payButton, payWith } from "./stripe-frame.ts";

const alert = (page: Page) => page.getByRole("main").getByRole("alert");
const isPaid = (page: Page) =>
  expect(page.getByRole("heading", { name: "It’s yours" })).toBeVisible();

test.describe("an open order", () => {
  let order: Order;

  test.beforeEach(async ({ signedInPage: page, seller }) => {
    order = await reserve(page.request, await seller.list("Chamber concert"));
    await page.goto(`/orders/${order.id}`);
  });

  test("can be paid again when the payment never reached the server", async ({ page }) => {
    await page.route("**/api/payments", (route) => route.abort());
    await payWith(page, CARDS.valid);
    await expect(alert(page)).toContainText("nothing was charged");
    await page.unroute("**/api/payments");

    await payWith(page, CARDS.valid);
    await isPaid(page);
  });

  test("asks for the outcome while it is unknown", async ({ page }) => {
    await page.route("**/api/payments*", (route) =>
      route.fulfill({
        status: 503,
        headers: { "retry-after": "1" },
        json: { errors: [] },
      }),
    );
    await payWith(page, CARDS.valid);
    await expect(page.getByText("Don’t pay again")).toBeVisible();
    await expect(payButton(page)).toBeDisabled();

    await page.unroute("**/api/payments*");
    await expect(alert(page)).toContainText("nothing was charged");
    await payWith(page, CARDS.valid);
    await isPaid(page);
  });

  test("says that payments do not work when Stripe refuses them all", async ({ page }) => {
    const error = {
      message: "Card payments are unavailable.",
      code: "payments_unavailable",
    };
    await page.route("**/api/payments", (route) =>
      route.fulfill({ status: 503, json: { errors: [error] } }),
    );
    await payWith(page, CARDS.valid);
    await expect(alert(page)).toContainText("Card payments don’t work here at the moment");
  });

  test("says that nothing was charged when Stripe cannot be reached", async ({ page }) => {
    await page.route("**/v1/confirmation_tokens*", (route) => route.abort());
    await payWith(page, CARDS.valid);
    await expect(alert(page)).toContainText("nothing was charged. Check your connection");
    await page.unroute("**/v1/confirmation_tokens*");

    await payButton(page).click();
    await isPaid(page);
  });

  test("says from the third decline on how many attempts are left", async ({ page }) => {
    for (const left of ["", "", "You have 2 attempts left", "One attempt is left"]) {
      const answered = page.waitForResponse(
        (response) => response.url().endsWith("/api/payments") && response.status() === 402,
      );
      await payWith(page, CARDS.insufficientFunds);
      await answered;
      await expect(alert(page)).toContainText("not enough money");
      if (left) await expect(alert(page)).toContainText(left);
      else await expect(alert(page)).not.toContainText("left");
    }
  });

  test("does not count a bank's window that its buyer closes as a decline", async ({ page }) => {
    await payWith(page, CARDS.requires3ds);
    await answer3dsChallenge(page, "Fail");
    await expect(alert(page)).toContainText("could not confirm");
    const payment = await page.request.get(`/api/payments?orderId=${order.id}`);
    const { lastError } = (await payment.json()) as {
      lastError: { attemptsLeft: number };
    };
    expect(lastError.attemptsLeft).toBe(5);
  });

  test("has neither a countdown nor a pay or cancel button once it is paid", async ({ page }) => {
    await page.route("**/api/orders/**", (route) => route.abort()); // the news of the order
    await page.reload();
    await payWith(page, CARDS.valid);
    await expect(page.getByText("Payment received")).toBeVisible();
    await expect(page.getByRole("button", { name: "Cancel order" })).toBeHidden();
    await expect(page.getByRole("button", { name: /Pay/ })).toBeHidden();
    await expect(page.getByRole("timer")).toBeHidden();
  });

  test("counts down to the moment until which it can be paid", async ({ page }) => {
    const found = await page.request.get(`/api/orders/${order.id}`);
    const { expiresAt } = (await found.json()) as { expiresAt: string };
    await page.waitForResponse((response) => response.url().includes(`/api/orders/${order.id}`));
    await expect(async () => {
      const [, seconds] = /00:(\d\d)/.exec((await page.getByRole("timer").textContent()) ?? "")!;
      const untilExpiry = (Date.parse(expiresAt) - Date.now()) / 1_000;
      expect(Math.abs(untilExpiry - 5 - Number(seconds))).toBeLessThan(1.5);
    }).toPass();
  });

  test("counts on when the device's clock is set back", async ({ page }) => {
    await page.waitForResponse((response) => response.url().includes(`/api/orders/${order.id}`));
    const before = await secondsShown(page);
    await page.evaluate(() => {
      const now = Date.now.bind(Date);
      Date.now = () => now() - 30_000;
    });
    await expect.poll(() => secondsShown(page)).toBeLessThan(before);
  });

  test("shows the same time after Back", async ({ page }) => {
    await page.goto("/orders");
    const row = page.getByRole("listitem").filter({ hasText: "Chamber concert" });
    const atFirst = await secondsShown(page, row.locator("time"));
    await row.getByRole("link").click();
    await expect.poll(() => secondsShown(page)).toBeLessThan(atFirst - 4);
    const onOrder = await secondsShown(page);
    await page.goBack();
    expect(await secondsShown(page, row.locator("time"))).toBeLessThanOrEqual(onOrder);
  });
});

async function secondsShown(page: Page, timer = page.getByRole("timer")): Promise<number> {
  await expect(timer).toHaveText(/^\d\d:\d\d$/);
  const [minutes, seconds] = ((await timer.textContent()) ?? "").split(":").map(Number);
  return minutes! * 60 + seconds!;
}

test("the buyer of a reserved ticket gets on to the payment: in another tab, and after Back", async ({
  signedInPage: page,
  context,
  seller,
}) => {
  const ticket = await seller.list("Held for you");
  const otherTab = await context.newPage();
  await otherTab.goto(`/tickets/${ticket.id}`);
  await expect(otherTab.getByRole("button", { name: "Reserve and pay" })).toBeVisible();
  await page.goto(`/tickets/${ticket.id}`);
  await page.getByRole("button", { name: "Reserve and pay" }).click();
  await expect(page.getByRole("heading", { name: "Pay for your ticket" })).toBeVisible();
  await page.goBack();

  const thirdTab = await context.newPage();
  await thirdTab.goto(`/tickets/${ticket.id}`);
  for (const tab of [otherTab, page, thirdTab]) {
    await expect(tab.getByText("You’ve reserved this ticket")).toBeVisible();
    await expect(tab.getByText(/^\d\d:\d\d left to pay\.$/)).toBeVisible();
    await expect(tab.getByText("Someone is paying")).toBeHidden();
  }
  await page.getByRole("link", { name: "Go on to payment" }).click();
  await fillCard(page, CARDS.valid);
  await payButton(page).click();
  await isPaid(page);
  await expect(otherTab.getByText("You bought this ticket")).toBeVisible();
});

test("a price that changes while a buyer looks is pointed out", async ({
  signedInPage: page,
  seller,
}) => {
  const ticket = await seller.list("Price in motion", 42.5);
  const list = await page.context().newPage();
  for (const [tab, path] of [
    [page, `/tickets/${ticket.id}`],
    [list, `/?q=${encodeURIComponent(ticket.title)}`],
  ] as const) {
    const stream = tab.waitForResponse((response) => response.url().endsWith("/events"));
    await tab.goto(path);
    await stream;
  }

  const edited = await seller.request.put(`/api/tickets/${ticket.id}`, {
    data: { title: ticket.title, price: 60 },
  });
  expect(edited.status()).toBe(200);

  await expect(page.getByText("The price has changed. It was $42.50.").first()).toBeVisible();
  await expect(page.getByRole("main")).toContainText("$60.00");
  const row = list.getByRole("listitem").filter({ hasText: ticket.title });
  await expect(row.locator("del")).toHaveText("$42.50");
  await expect(row).toContainText("$60.00");
});
