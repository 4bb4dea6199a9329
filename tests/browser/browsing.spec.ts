import type { Page } from "@playwright/test";
import { randomUUID } from "node:crypto";
import { expect, test } from "./fixtures.ts";

const PAGE_SIZE = 24;

const rowsOf = (page: Page) =>
  page.getByRole("region", { name: "Tickets", exact: true }).getByRole("listitem");

/** Returns a search word that matches only the tickets of one test. */
const uniqueWord = () => `Word${randomUUID().slice(0, 8)}`;

test("a long list is paginated, and the server's HTML contains the tickets", async ({
  page,
  seller,
}) => {
  const word = uniqueWord();
  for (let number = 0; number <= PAGE_SIZE; number += 1) {
    await seller.list(word, 20, `${word} seat ${number}`);
  }
  const response = await page.goto(`/?q=${word}`);
  expect(await response?.text()).toContain(`${word} seat ${PAGE_SIZE}`);
  const rows = rowsOf(page);
  await expect(rows).toHaveCount(PAGE_SIZE);
  await expect(page).toHaveTitle(`“${word}” · Tickets (${PAGE_SIZE}+) · Ticketing`);
  await expect(page.getByText(`At least ${PAGE_SIZE} tickets`)).toBeVisible();

  await page.getByRole("link", { name: "More tickets" }).click();
  await expect(rows).toHaveCount(1);
  await expect(page.getByText("1 more ticket", { exact: true })).toBeVisible();
  await expect(rows).toContainText(`${word} seat 0`);
  await page.getByRole("link", { name: "Back to the first page" }).click();
  await expect(rows).toHaveCount(PAGE_SIZE);
});

test("a search is sorted and filtered by price, and survives a reload", async ({
  page,
  seller,
}) => {
  const word = uniqueWord();
  for (const price of [30, 10, 20]) await seller.list(word, price, `${word} for ${price}`);
  await page.goto("/");
  await page.getByRole("searchbox").fill(word);
  await page.getByRole("button", { name: "Search" }).click();
  const rows = rowsOf(page);
  await expect(rows).toContainText(["for 20", "for 10", "for 30"]);

  await page.getByLabel("Sort by").selectOption("Price: low to high");
  await expect(rows).toContainText(["for 10", "for 20", "for 30"]);
  await page.getByLabel("Min price ($)").fill("15");
  await page.getByLabel("Max price ($)").fill("25,50");
  await page.getByRole("button", { name: "Search" }).click();
  await expect(rows).toHaveText([/for 20/]);
  await page.reload();
  await expect(rows).toHaveText([/for 20/]);
  await expect(page.getByText("1 ticket", { exact: true })).toBeVisible();
  await rows.getByRole("link").click();
  await page.getByRole("link", { name: "All tickets" }).click();
  await expect(rows).toHaveText([/for 20/]);
  await expect(page.getByLabel("Max price ($)")).toHaveValue("25,50");
});

test("a price is read as it is written in the visitor's region, or asked back", async ({
  page,
  seller,
}) => {
  const word = uniqueWord();
  for (const price of [2, 2000]) await seller.list(word, price, `${word} for ${price}`);
  await page.goto(`/?q=${word}&minPrice=1,000`);
  const rows = rowsOf(page);
  await expect(rows).toHaveText([/for 2000/]);
  await expect(page.getByLabel("Min price ($)")).toHaveValue("1,000");

  await page.getByLabel("Min price ($)").fill("1.000");
  await page.getByRole("button", { name: "Search" }).click();
  await expect(page.getByLabel("Min price ($)")).toHaveAccessibleDescription(
    "Did you mean $1,000.00? Then write 1000. Otherwise use at most two decimals.",
  );
  await expect(rows).toHaveCount(0);
});

test("a search of signs finds only what has them", async ({ page, seller }) => {
  const word = uniqueWord();
  await seller.list(word, 20, `${word} 🎷 night`);
  await seller.list(word, 20, `${word} night`);
  await page.goto(`/?q=${encodeURIComponent("🎷")}`);
  const rows = rowsOf(page);
  await expect(rows.filter({ hasText: `${word} 🎷` })).toHaveCount(1);
  await expect(rows.filter({ hasText: `${word} night` })).toHaveCount(0);
  await page.goto(`/?q=${encodeURIComponent("🪗🪗")}`);
  await expect(page.getByRole("heading", { name: "No tickets match your search" })).toBeVisible();
});
