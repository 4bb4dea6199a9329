import { expectAccessible } from "./accessibility.ts";
import { ClientOnFakeApi, ID } from "./client-on-fake-api.ts";
import { collectConsoleErrors } from "./console-errors.ts";
import { expect, test } from "./fixtures.ts";

test.skip(!process.env.TICKETING_HOME, "needs the client's production build");

let client: ClientOnFakeApi;

test.beforeAll(async () => {
  client = await ClientOnFakeApi.start();
});

test.afterAll(() => client.stop());

test.beforeEach(() => client.reset());

const order = (changes: object) => ({
  id: ID,
  status: "cancelled",
  reason: "expired",
  version: 2,
  createdAt: "2026-01-01T12:00:00Z",
  expiresAt: "2026-01-01T12:15:00Z",
  ticket: { id: ID, title: "Too late", price: 42.5, version: 1 },
  ...changes,
});

const payment = (status: string, version = 1) => ({
  id: ID,
  orderId: ID,
  status,
  version,
  amount: 42.5,
  card: null,
  lastError: null,
});

test("a page's requests to the API name its visitor", async ({ request }) => {
  await request.get(client.address, {
    headers: { "x-forwarded-for": "192.0.2.1" },
  });
  expect(client.forwardedFor["/api/tickets"]).toBe("192.0.2.1");
});

test("a failing page keeps the layout and can be retried", async ({ page }) => {
  await page.goto(client.address);
  await expect(page.getByRole("heading", { name: "Something broke on our side" })).toBeVisible();
  await expect(page.getByRole("link", { name: "Sign in" })).toBeVisible();
  await expectAccessible(page);

  client.responses = {
    "/api/tickets": [],
    "/api/tickets/shows": [],
    "/api/tickets/facets": { cities: [], dates: [], categories: [], at: null },
  };
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(page.getByRole("heading", { name: "Nothing for sale right now" })).toBeVisible();
});

test.describe("in German", () => {
  test.use({ locale: "de-DE" });

  test("a failing page shows its error in the layout's language", async ({ page }) => {
    await page.goto(client.address);
    await expect(page.getByRole("link", { name: "Anmelden" })).toBeVisible();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText(/schiefgelaufen/);
  });
});

for (const [status, text] of [
  ["refunded", "was refunded to your card"],
  ["refund_pending", "is on its way back to your card"],
  ["refund_failed", "We are looking into it"],
] as const) {
  test(`a late payment is shown as ${status}`, async ({ page, context }) => {
    await client.signIn(page, context);
    client.responses[`/api/orders/${ID}`] = order({});
    client.responses["/api/payments"] = payment(status);
    const consoleErrors = collectConsoleErrors(page);
    await page.goto(`${client.address}/orders/${ID}`);
    await expect(page.getByRole("heading", { name: "Time ran out" })).toBeVisible();
    await expect(page.getByRole("main")).toContainText(`Your payment of $42.50 came too late`);
    await expect(page.getByRole("main")).toContainText(text);
    await expect(page.getByRole("main")).not.toContainText("Nothing was charged");
    await expectAccessible(page);
    expect(consoleErrors).toEqual([]);
  });
}

for (const status of ["processing", "requires_action", "requires_payment_method"]) {
  test(`a cancelled order whose payment is ${status} says what is known, until it is settled`, async ({
    page,
    context,
  }) => {
    await client.signIn(page, context);
    client.responses[`/api/orders/${ID}`] = order({ reason: "buyer" });
    client.responses["/api/payments"] = payment(status);
    await page.goto(`${client.address}/orders/${ID}`);
    const main = page.getByRole("main");
    await expect(main).toContainText("You had started to pay $42.50");
    await expect(main).toContainText("We are finding out");
    await expect(main).not.toContainText("Nothing was charged");
    await expectAccessible(page);

    client.responses["/api/payments"] = payment("refund_failed", 2);
    await expect(main).toContainText("We are looking into it");
    await expect(main).not.toContainText("Nothing was charged");
  });
}

test("while payments is unavailable, a cancelled order does not say that nothing was charged", async ({
  page,
  context,
}) => {
  await client.signIn(page, context);
  client.responses[`/api/orders/${ID}`] = order({});
  await page.route("**/api/payments*", (route) => route.abort());
  // The client's server gets `{}`, which has no status, so that the browser has to ask.
  client.responses["/api/payments"] = payment("processing");
  await page.goto(`${client.address}/orders/${ID}`);
  await expect(page.getByRole("main")).toContainText("We are finding out");

  await page.unroute("**/api/payments*");
  client.responses["/api/payments"] = payment("canceled", 2);
  await expect(page.getByRole("main")).toContainText("Nothing was charged");
});

test("a cancelled order without a payment says that nothing was charged", async ({
  page,
  context,
}) => {
  await client.signIn(page, context);
  client.responses[`/api/orders/${ID}`] = order({});
  client.responses["/api/payments"] = null;
  await page.goto(`${client.address}/orders/${ID}`);
  await expect(page.getByRole("main")).toContainText("Nothing was charged");
});

test("an order that is cancelled elsewhere during a payment never says that nothing was charged", async ({
  page,
  context,
}) => {
  await client.signIn(page, context);
  const expiresAt = new Date(Date.now() + 600_000).toISOString();
  client.responses[`/api/orders/${ID}`] = order({
    status: "created",
    version: 0,
    expiresAt,
  });
  client.responses["/api/payments/config"] = {
    publishableKey: null,
    stripeJsUrl: null,
  };
  client.responses["/api/payments"] = null;
  const seen: string[] = [];
  await page.exposeFunction("report", (text: string) => seen.push(text));
  await page.goto(`${client.address}/orders/${ID}`);
  await expect(page.getByRole("timer")).toBeVisible();
  await page.evaluate(() => {
    const main = document.querySelector("main")!;
    const report = (window as unknown as { report: (text: string) => void }).report;
    new MutationObserver(() => report(main.innerText)).observe(main, {
      subtree: true,
      childList: true,
      characterData: true,
    });
  });

  client.responses["/api/payments"] = payment("processing", 1);
  client.responses[`/api/orders/${ID}`] = order({ reason: "buyer", expiresAt });
  await page.evaluate(() => window.dispatchEvent(new Event("focus")));
  const main = page.getByRole("main");
  await expect(main).toContainText("We are finding out", { timeout: 60_000 });
  client.responses["/api/payments"] = payment("refunded", 3);
  await expect(main).toContainText("was refunded to your card");
  expect(seen.filter((text) => text.includes("Nothing was charged"))).toEqual([]);
});

for (const [status, text] of [
  ["reserved", "your change applies if the ticket goes back on sale"],
  ["sold", "so it was sold at the earlier price"],
] as const) {
  test(`an edit that an order overtook is explained to the seller of a ${status} ticket`, async ({
    page,
    context,
  }) => {
    await client.signIn(page, context);
    client.responses[`/api/tickets/${ID}`] = {
      id: ID,
      title: "Front row",
      price: 10,
      userId: "1",
      status,
      orderId: ID,
      version: 2,
      lateEdit: { title: "First row", price: 99 },
      createdAt: "2026-01-01T12:00:00Z",
    };
    await page.goto(`${client.address}/tickets/${ID}`);
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Front row");
    await expect(page.getByRole("main")).toContainText("$10.00");
    await expect(page.getByRole("main")).toContainText("(“First row”, $99.00)");
    await expect(page.getByRole("main")).toContainText(text);
    await expectAccessible(page);
  });
}
