import type { Page } from "@playwright/test";
import { expect, newEmail, PASSWORD, reserve, test } from "./fixtures.ts";
import { answer3dsChallenge, CARDS, payWith } from "./stripe-frame.ts";
import { translate } from "./translator.ts";

let problems: string[];

test.beforeEach(async ({ page }) => {
  problems = [];
  page.on("pageerror", (error) => problems.push(error.message));
  await translate(page);
});

test.afterEach(async ({ page }) => {
  expect(problems).toEqual([]);
  await expect(page.getByRole("heading", { name: "Something broke" })).toBeHidden();
  expect(await page.locator("font font").count()).toBeGreaterThan(0);
});

/** Opens a page and waits until its texts are replaced. */
async function open(page: Page, path: string): Promise<void> {
  await page.goto(path);
  await page.locator("html[data-translated]").waitFor();
}

test("a translated page lets people sign up, sign out and sign in", async ({ page }) => {
  const email = newEmail();
  await open(page, "/auth/signup");
  await page.getByLabel("Email").fill("nobody");
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page.getByText("Enter an email address")).toBeVisible();
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page.getByRole("link", { name: "Account" })).toBeVisible();

  await page.getByRole("link", { name: "Sign out" }).click();
  await page.getByRole("link", { name: "Sign in" }).click();
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password", { exact: true }).fill("not this one");
  await page.getByRole("button", { name: "Show password" }).click();
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page.getByText("Email or password is wrong")).toBeVisible();
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page.getByRole("link", { name: "Account" })).toBeVisible();
});

test("a translated page lets people search, reserve, be declined, and pay", async ({
  signedInPage: page,
  seller,
}) => {
  const ticket = await seller.list("Lost in translation");
  await open(page, "/");
  await page.getByRole("searchbox").fill("nothing has this title");
  await page.getByRole("button", { name: "Search" }).click();
  await expect(page.getByText("No tickets match your search")).toBeVisible();
  await page.getByRole("link", { name: "Clear search" }).click();
  await page.getByRole("searchbox").fill(ticket.title);
  await page.getByRole("button", { name: "Search" }).click();
  await page.getByRole("link", { name: ticket.title }).click();
  await page.getByRole("button", { name: "Reserve and pay" }).click();
  await expect(page.getByRole("heading", { name: "Pay for your ticket" })).toBeVisible();
  const shown = await page.getByRole("timer").textContent();
  await expect(page.getByRole("timer")).not.toHaveText(shown ?? "");

  await page.getByRole("button", { name: "Cancel order" }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Keep it" }).click();
  await payWith(page, CARDS.insufficientFunds);
  await expect(page.getByRole("main").getByRole("alert")).toContainText("not enough money");
  await payWith(page, CARDS.requires3ds);
  await answer3dsChallenge(page, "Complete");
  await expect(page.getByRole("heading", { name: "It’s yours" })).toBeVisible();
  await page.getByRole("link", { name: "My orders" }).first().click();
  await expect(page.getByRole("listitem").filter({ hasText: ticket.title })).toContainText("Paid");
});

test("a translated page shows changes as they happen", async ({
  signedInPage: page,
  seller,
  newUser,
}) => {
  const ticket = await seller.list("Live translation");
  const buyer = await newUser();
  await open(page, `/?q=${encodeURIComponent(ticket.title)}`);
  const row = page.getByRole("listitem").filter({ hasText: ticket.title });
  const first = await reserve(buyer.request, ticket);
  await expect(row).toContainText("Reserved");
  await buyer.request.delete(`/api/orders/${first.id}`);
  await expect(row).not.toContainText("Reserved");

  await row.getByRole("link").click();
  await expect(page.getByRole("button", { name: "Reserve and pay" })).toBeVisible();
  const second = await reserve(buyer.request, ticket);
  await expect(page.getByText("Someone is paying for this ticket")).toBeVisible();
  await buyer.request.delete(`/api/orders/${second.id}`);
  await page.getByRole("button", { name: "Reserve and pay" }).click();
  await page.getByRole("button", { name: "Cancel order" }).click();
  const dialog = page.getByRole("alertdialog");
  await dialog.getByRole("button", { name: "Cancel order" }).click();
  await expect(page.getByRole("heading", { name: "You cancelled this order" })).toBeVisible();
  await expect(page.getByText("Nothing was charged")).toBeVisible();
});

test("a translated page lets people sell and edit", async ({ signedInPage: page }) => {
  await open(page, "/tickets/new");
  await page.getByRole("button", { name: "List ticket" }).click();
  await expect(page.getByText("Enter what the ticket is for")).toBeVisible();
  await page.getByLabel("What is it a ticket for?").fill("Sold in translation");
  await page.getByLabel("Price", { exact: true }).fill("20");
  await page.getByRole("button", { name: "List ticket" }).click();
  await expect(page.getByRole("heading", { name: "Edit your listing" })).toBeVisible();
  await page.getByLabel("Price", { exact: true }).fill("25");
  await page.getByRole("button", { name: "Save changes" }).click();
  await expect(page.getByText("Saved.")).toBeVisible();
  await expect(page.getByRole("main")).toContainText("$25.00");
  await page.getByRole("link", { name: "My tickets" }).first().click();
  await expect(page.getByRole("listitem").filter({ hasText: "in translation" })).toBeVisible();
});

test("a translated page lets people end sessions", async ({
  page,
  userEmail,
  playwright,
  baseURL,
}) => {
  const other = await playwright.request.newContext({ baseURL });
  await other.post("/api/users/signin", {
    data: { email: userEmail, password: PASSWORD },
  });
  await open(page, "/account");
  await page.getByRole("button", { name: /^End session/ }).click();
  await expect(page.getByRole("button", { name: /^End session/ })).toBeHidden();
  await page.getByRole("button", { name: "Sign out everywhere" }).click();
  const dialog = page.getByRole("alertdialog");
  await dialog.getByRole("button", { name: "Sign out everywhere" }).click();
  await expect(page.getByRole("link", { name: "Sign in" })).toBeVisible();
  await other.dispose();
});

test("a translated page that does not exist leads on, also in another language", async ({
  page,
}) => {
  await open(page, "/no-such-page");
  await page.getByRole("link", { name: "Browse tickets" }).click();
  await expect(page.getByRole("searchbox")).toBeVisible();
  await page.getByRole("button", { name: "Deutsch" }).click();
  await expect(page.getByRole("link", { name: "Anmelden" })).toBeVisible();
  await page.locator("html[data-translated]").waitFor();
});
