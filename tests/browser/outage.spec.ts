import type { Page } from "@playwright/test";
import { expectAccessible } from "./accessibility.ts";
import { expect, reserve, test } from "./fixtures.ts";
import { HOME, startService, stopService } from "./supervisor.ts";

test.describe.configure({ mode: "serial" });
test.skip(!HOME, "stops services, so it needs TICKETING_HOME, the system's state directory");

async function withServiceStopped(service: string, body: () => Promise<void>): Promise<void> {
  stopService(service);
  try {
    await body();
  } finally {
    await startService(service);
  }
}

/** Opens a page that responds within a second. Tries again, because a busy machine can be slow once. */
async function openWithinASecond(page: Page, path: string): Promise<void> {
  await expect(async () => {
    const begin = performance.now();
    await page.goto(path, { waitUntil: "commit" });
    expect(performance.now() - begin).toBeLessThan(1_000);
  }).toPass();
}

test("without tickets, the home page shows an error and recovers automatically", async ({
  page,
  userEmail,
  seller,
}) => {
  const ticket = await seller.list("Temporarily unavailable ticket");
  await withServiceStopped("tickets", async () => {
    await openWithinASecond(page, "/");
    await expect(page.getByRole("link", { name: "Account" })).toBeVisible();
    await expect(page.getByRole("heading", { name: "Temporarily unavailable" })).toBeVisible();
    await expectAccessible(page);
    await page.goto("/account");
    await expect(page.getByText(`Signed in as ${userEmail}`)).toBeVisible();
    await page.goto("/");
  });
  await expect(page.getByRole("link", { name: ticket.title })).toBeVisible({ timeout: 60_000 });
});

test("without auth, the user stays signed in and can order", async ({
  signedInPage: page,
  seller,
}) => {
  const ticket = await seller.list("Without auth");
  await page.goto("/");
  await withServiceStopped("auth", async () => {
    await page.goto(`/tickets/${ticket.id}`);
    await expect(page.getByRole("link", { name: "Account" })).toBeVisible();
    await page.getByRole("button", { name: "Reserve and pay" }).click();
    await expect(page.getByRole("heading", { name: "Pay for your ticket" })).toBeVisible();
    await page.goto("/auth/signup");
    await openWithinASecond(page, "/account");
    const unavailable = page.getByRole("heading", { name: "Temporarily unavailable" });
    await expect(unavailable).toHaveCount(2); // the account, and the list of sessions
  });
});

test("without auth, a user whose access token has expired is not signed out", async ({
  page,
  context,
  userEmail,
}) => {
  await context.clearCookies({ name: "session" });
  await withServiceStopped("auth", async () => {
    await openWithinASecond(page, "/account");
    await expect(page.getByText("You are still signed in")).toBeVisible();
    await expectAccessible(page);
  });
  await expect(page).toHaveURL("/account", { timeout: 60_000 });
  await expect(page.getByText(`Signed in as ${userEmail}`)).toBeVisible();
});

test("without the web client, the gateway shows a page that loads again automatically", async ({
  signedInPage: page,
}) => {
  await withServiceStopped("client", async () => {
    await openWithinASecond(page, "/orders");
    await expect(page.getByRole("heading", { name: "Back in a moment" })).toBeVisible();
    await expect(page.getByRole("heading", { name: "Gleich wieder da" })).toBeVisible();
  });
  await expect(page.getByRole("heading", { name: "My orders" })).toBeVisible({ timeout: 60_000 });
});

test("without orders, a reservation shows an error and can be retried", async ({
  signedInPage: page,
  seller,
}) => {
  const ticket = await seller.list("Without orders");
  await page.goto(`/tickets/${ticket.id}`);
  await withServiceStopped("orders", async () => {
    await page.getByRole("button", { name: "Reserve and pay" }).click();
    await expect(page.getByText("The service is unavailable at the moment")).toBeVisible();
  });
  await expect(async () => {
    await page.getByRole("button", { name: "Reserve and pay" }).click({ timeout: 2_000 });
    await expect(page.getByRole("heading", { name: "Pay for your ticket" })).toBeVisible({
      timeout: 6_000,
    });
  }).toPass({ timeout: 60_000 });
});

test("without payments, the order's page shows an error and the timer", async ({
  signedInPage: page,
  seller,
}) => {
  const order = await reserve(page.request, await seller.list("Without payments"));
  await withServiceStopped("payments", async () => {
    await openWithinASecond(page, `/orders/${order.id}`);
    await expect(page.getByText("Payments are unavailable at the moment")).toBeVisible();
    await expect(page.getByRole("timer")).toBeVisible();
  });
  await expect(page.getByRole("button", { name: /^Pay \$/ })).toBeEnabled({ timeout: 60_000 });
});
