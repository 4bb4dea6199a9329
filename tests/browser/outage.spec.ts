import { execFileSync } from "node:child_process";
import { join, resolve } from "node:path";
import { expectAccessible } from "./accessibility.ts";
import { expect, reserve, test } from "./fixtures.ts";

const HOME = process.env.TICKETING_HOME;
const SUPERVISORCTL = resolve(import.meta.dirname, "../../.venv/bin/supervisorctl");

test.describe.configure({ mode: "serial" });
test.skip(!HOME, "takes services down: TICKETING_HOME says where the system keeps its state");

function supervisor(command: "start" | "stop", service: string): void {
  const conf = join(HOME ?? "", "run/supervisord.conf");
  execFileSync(SUPERVISORCTL, ["-c", conf, command, `services:${service}`]);
}

async function without(service: string, body: () => Promise<void>): Promise<void> {
  supervisor("stop", service);
  try {
    await body();
  } finally {
    supervisor("start", service);
  }
}

test("without tickets, the page says which part is away and comes back by itself", async ({
  page,
  signedIn,
  seller,
}) => {
  const ticket = await seller.lists("Away for a while");
  await without("tickets", async () => {
    await page.goto("/");
    await expect(page.getByRole("link", { name: "Account" })).toBeVisible();
    await expect(page.getByRole("heading", { name: "Temporarily unavailable" })).toBeVisible();
    await expectAccessible(page);
    await page.goto("/account");
    await expect(page.getByText(signedIn)).toBeVisible();
    await page.goto("/");
  });
  await expect(async () => {
    await page.getByRole("button", { name: "Try again" }).click({ timeout: 2_000 });
    await expect(page.getByRole("link", { name: ticket.title })).toBeVisible({ timeout: 4_000 });
  }).toPass({ timeout: 60_000 });
});

test("without auth, a reader is still greeted, and orders go on", async ({
  signedInPage: page,
  seller,
}) => {
  const ticket = await seller.lists("Without auth");
  await page.goto("/");
  await without("auth", async () => {
    await page.goto(`/tickets/${ticket.id}`);
    await expect(page.getByRole("link", { name: "Account" })).toBeVisible();
    await page.getByRole("button", { name: "Reserve and pay" }).click();
    await expect(page.getByRole("heading", { name: "Pay for your ticket" })).toBeVisible();
    await page.goto("/auth/signup");
    await page.goto("/account");
    await expect(page.getByRole("heading", { name: "Temporarily unavailable" })).toBeVisible();
  });
});

test("without orders, a reservation says so and can be tried again", async ({
  signedInPage: page,
  seller,
}) => {
  const ticket = await seller.lists("Without orders");
  await page.goto(`/tickets/${ticket.id}`);
  await without("orders", async () => {
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

test("without payments, the order's page says that the ticket stays reserved", async ({
  signedInPage: page,
  seller,
}) => {
  const order = await reserve(page.request, await seller.lists("Without payments"));
  await without("payments", async () => {
    await page.goto(`/orders/${order.id}`);
    await expect(page.getByText("Payments are unavailable at the moment")).toBeVisible();
    await expect(page.getByRole("timer")).toBeVisible();
  });
  await expect(async () => {
    await page.getByRole("button", { name: "Try again" }).click({ timeout: 2_000 });
    await expect(page.getByRole("button", { name: /^Pay \$/ })).toBeEnabled({ timeout: 6_000 });
  }).toPass({ timeout: 30_000 });
});
