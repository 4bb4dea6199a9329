import type { APIRequestContext, Page } from "@playwright/test";
import { expect, Seller, test, unique } from "./fixtures.ts";
import { localStripe, type Transfer, withPaymentsAtStripesTime } from "./local-stripe.ts";
import { CARDS, payWith } from "./stripe-frame.ts";
import { HOME } from "./supervisor.ts";

test.skip(!HOME, "replaces payments, so it needs TICKETING_HOME, the system's state directory");

const FEE = { PLATFORM_FEE_BASIS_POINTS: "750" };
/** 7.5 % of 1,999 cents are 149.925, of which the platform takes 149. */
const [PRICE, FEE_TAKEN, NET, NET_CENTS] = ["19.99", "1.49", "18.50", 1850] as const;
const HOUR_SECONDS = 3_600;
/** How long a payout may take on a busy machine once its date has come. */
const MAX_DELAY_SECONDS = 60;

interface Sale {
  orderId: string;
  releaseAt: string;
}

async function waitForFee(request: APIRequestContext): Promise<void> {
  await expect(async () => {
    const config = (await (await request.get("/api/payments/config")).json()) as object;
    expect(config).toMatchObject({ feeBasisPoints: Number(FEE.PLATFORM_FEE_BASIS_POINTS) });
  }).toPass({ timeout: 60_000 });
}

async function setUpPayouts(page: Page): Promise<void> {
  await page.goto("/account/earnings");
  await page.getByRole("button", { name: "Set up payouts" }).click();
  await page.getByRole("button", { name: "Complete onboarding" }).click();
  await expect(async () => {
    await page.goto("/account/earnings");
    await expect(page.getByRole("heading", { name: "You get paid" })).toBeVisible({
      timeout: 1_000,
    });
  }).toPass({ timeout: 60_000 });
}

/** Lists a ticket of a show with the form, and returns its address. */
async function sell(page: Page, title: string): Promise<string> {
  const show = await new Seller(page.request).addShow();
  await page.goto(`/tickets/new?show=${show.id}`);
  await page.getByLabel("What is it a ticket for?").fill(title);
  await page.getByLabel("Price", { exact: true }).fill(PRICE);
  await expect(page.getByText(`You get $${NET}, after a fee of $${FEE_TAKEN}.`)).toBeVisible();
  await page.getByRole("button", { name: "List ticket" }).click();
  await expect(page.getByRole("heading", { level: 1, name: title })).toBeVisible();
  return page.url();
}

async function buy(page: Page, address: string): Promise<void> {
  await page.goto(address);
  await page.getByRole("button", { name: "Reserve and pay" }).click();
  await payWith(page, CARDS.valid);
  await expect(page.getByRole("heading", { level: 1, name: "It’s yours" })).toBeVisible();
}

async function findSale(page: Page): Promise<Sale> {
  let sale: Sale | undefined;
  await expect(async () => {
    const response = await page.request.get("/api/payments/earnings");
    const { sales } = (await response.json()) as { sales: Sale[] };
    sale = sales[0];
    expect(sale?.releaseAt).toBeTruthy();
  }).toPass({ timeout: 60_000 });
  return sale!;
}

test("a sale pays its seller at its date, and statement, page and ledger agree to the cent", async ({
  signedInPage: page,
  newUser,
}) => {
  test.setTimeout(240_000);
  const title = unique("Paid on time");
  let sale: Sale | undefined;
  let transfer: Transfer | undefined;
  let dueAt = 0;

  await withPaymentsAtStripesTime(FEE, async () => {
    await waitForFee(page.request);
    await setUpPayouts(page);
    const address = await sell(page, title);
    await buy(await (await newUser()).newPage(), address);
    sale = await findSale(page);
    dueAt = Date.parse(sale.releaseAt) / 1_000;

    await localStripe.moveClock(dueAt - HOUR_SECONDS - (await localStripe.now()));
    expect(await localStripe.transfersOf(sale.orderId)).toEqual([]);
    await localStripe.moveClock(dueAt - (await localStripe.now()));
    await expect(async () => {
      [transfer] = await localStripe.transfersOf(sale!.orderId);
      expect(transfer).toBeDefined();
    }).toPass({ timeout: MAX_DELAY_SECONDS * 1_000 });
  });

  expect(transfer!.created).toBeGreaterThanOrEqual(dueAt);
  expect(transfer!.created).toBeLessThan(dueAt + MAX_DELAY_SECONDS);
  expect(transfer!.amount).toBe(NET_CENTS);
  const { balanced, accounts } = await localStripe.ledger();
  expect(balanced).toBe(true);
  const { available, pending } = accounts[transfer!.destination]!.usd!;
  expect(available + pending).toBe(NET_CENTS);

  await expect(async () => {
    await page.goto("/account/earnings");
    const shown = page.getByRole("listitem").filter({ hasText: title });
    await expect(shown).toContainText("was sent to your Stripe account", { timeout: 1_000 });
    await expect(shown).toContainText(`$${NET}`);
    await expect(shown).toContainText(`$${PRICE} less a fee of $${FEE_TAKEN}`);
  }).toPass({ timeout: 60_000 });
  await expect(page.getByRole("region", { name: "In total" })).toContainText(
    `Waiting$0.00Paid to you$${NET}`,
  );
  const statement = await (await page.request.get("/account/earnings/statement.csv")).text();
  const [, line = ""] = statement.trim().split("\r\n");
  for (const value of [sale!.orderId, PRICE, FEE_TAKEN, NET, "sent", transfer!.id]) {
    expect(line).toContain(`"${value}"`);
  }
});
