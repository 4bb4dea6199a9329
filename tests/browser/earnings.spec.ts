import type { Page } from "@playwright/test";
import { expectAccessible } from "./accessibility.ts";
import { expect, pay, reserve, Seller, test, type Ticket } from "./fixtures.ts";
import { localStripe } from "./local-stripe.ts";
import { reloadUntil } from "./sales.ts";

/** Reloads the earnings until they show a text: payments receives sales and the states of accounts later. */
async function expectEarnings(page: Page, text: string | RegExp): Promise<void> {
  await expect(async () => {
    await page.goto("/account/earnings");
    await expect(page.getByRole("main")).toContainText(text, { timeout: 1_000 });
  }).toPass({ timeout: 60_000 });
}

/** Reloads a ticket, and the list, until both show that its seller is verified. */
async function expectVerified(page: Page, { id, title }: Ticket): Promise<void> {
  await reloadUntil(page, `/tickets/${id}`, "Verified seller");
  await expect(async () => {
    await page.goto(`/?q=${encodeURIComponent(title)}`);
    const row = page.getByRole("listitem").filter({ hasText: title });
    await expect(row).toContainText("Verified seller", { timeout: 1_000 });
  }).toPass({ timeout: 60_000 });
}

for (const javaScriptEnabled of [true, false]) {
  test.describe(`${javaScriptEnabled ? "with" : "without"} script`, () => {
    test.use({ javaScriptEnabled });

    test("a seller sees what a sale brings, and sets up payouts at Stripe", async ({
      signedInPage: page,
      newUser,
    }) => {
      const seller = new Seller(page.request);
      const show = await seller.addShow();
      const ticket = await seller.list("Sold", 50, undefined, { showId: show.id });
      const { request: buyer } = await newUser();
      await pay(buyer, await reserve(buyer, ticket));
      await expectEarnings(page, ticket.title);
      const sale = page.getByRole("listitem").filter({ hasText: ticket.title });
      await expect(sale).toContainText(/\$50\.00 on \w+ \d+, 20\d\d, three days after the show/);
      await expect(sale).toContainText("Scheduled");
      if (javaScriptEnabled) await expectAccessible(page);

      await page.getByRole("button", { name: "Set up payouts" }).click();
      await page.getByRole("button", { name: "Leave without completing" }).click();
      await expect(page).toHaveURL(/\/account\/earnings\?/);
      await page.getByRole("button", { name: /Continue at Stripe|Set up payouts/ }).click();
      await page.getByRole("button", { name: "Complete onboarding" }).click();
      await expect(page).toHaveURL(/\/account\/earnings\?/);
      await expectEarnings(page, "You get paid");
      if (javaScriptEnabled) await expectAccessible(page);
      await expectVerified(page, await seller.list("By a verified seller"));
    });
  });
}

test("the statement has the same sale as the page", async ({ signedInPage: page, newUser }) => {
  const ticket = await new Seller(page.request).list("In the statement", 12.5);
  const { request: buyer } = await newUser();
  await pay(buyer, await reserve(buyer, ticket));
  await expectEarnings(page, ticket.title);
  const statement = await page.request.get("/account/earnings/statement.csv");
  expect(statement.headers()["content-disposition"]).toContain("attachment");
  const lines = (await statement.text()).trim().split("\r\n");
  expect(lines).toHaveLength(2);
  expect(lines[1]).toContain(`"${ticket.title}"`);
  expect(lines[1]).toContain('"12.50"');
});

test("a way back from Stripe shows the account of who is signed in, however often it is used", async ({
  signedInPage: page,
  newUser,
}) => {
  await page.goto("/account/earnings");
  await page.getByRole("button", { name: "Set up payouts" }).click();
  const complete = page.getByRole("button", { name: "Complete onboarding" });
  await expect(complete).toBeVisible();
  const onboarding = page.url();
  const [accountId = ""] = /acct_\w+/.exec(await page.content()) ?? [];
  await complete.click();
  await expect(page).toHaveURL(/\/account\/earnings\?from=stripe/);
  const wayBack = page.url();
  await expectEarnings(page, "You get paid");

  await page.goto(onboarding); // used already, so that it leads back
  await expect(page).toHaveURL(/\/account\/earnings\?again=1/);
  await expect(page.getByRole("heading", { name: "You get paid" })).toBeVisible();
  const other = await (await newUser()).newPage();
  await other.goto(wayBack);
  await expect(other.getByRole("heading", { name: "Get paid", exact: true })).toBeVisible();

  await localStripe.closeAccount(accountId);
  await page.goto(wayBack);
  await expect(page.getByText("Your account at Stripe is closed")).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("button", { name: "Set up payouts" }).click();
  await page.getByRole("button", { name: "Complete onboarding" }).click();
  await expectEarnings(page, "You get paid");
});

test("another user's earnings are nobody else's", async ({ page, request }) => {
  await page.goto("/account/earnings");
  await expect(page).toHaveURL(/\/auth\/signin/);
  expect((await request.get("/account/earnings/statement.csv")).status()).toBe(401);
});
