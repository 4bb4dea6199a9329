import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { resolve } from "node:path";
import { expectAccessible } from "./accessibility.ts";
import { collectConsoleErrors } from "./console-errors.ts";
import { expect, test } from "./fixtures.ts";

const SERVER = resolve(import.meta.dirname, "../../client/.next/standalone/server.js");
const ORDER = "0123456789abcdef01234567";

test.skip(!process.env.TICKETING_HOME, "needs the client's production build");

/** The fake API's responses by path. Other paths get `{}`. */
let apiResponses: Record<string, unknown>;
/** The addresses that the fake API's requests named. */
let forwardedFor: Record<string, unknown>;
let api: Server;
let client: ChildProcess;
let address: string;

const getPort = (server: Server) => (server.address() as AddressInfo).port;

test.beforeAll(async () => {
  api = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "", "http://any.invalid");
    forwardedFor[pathname] = request.headers["x-forwarded-for"];
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(apiResponses[pathname] ?? {}));
  }).listen(0);
  await once(api, "listening");
  const reserved = createServer().listen(0);
  await once(reserved, "listening");
  const port = getPort(reserved);
  reserved.close();
  await once(reserved, "close");
  address = `http://127.0.0.1:${port}`;
  const env = {
    PORT: `${port}`,
    HOSTNAME: "127.0.0.1",
    API_URL: `http://127.0.0.1:${getPort(api)}`,
  };
  client = spawn(process.execPath, [SERVER], { env: { ...process.env, ...env }, stdio: "ignore" });
  await expect(async () => {
    expect((await fetch(`${address}/healthz`)).ok).toBe(true);
  }).toPass();
});

test.afterAll(() => {
  client.kill();
  api.close();
});

test.beforeEach(() => {
  apiResponses = {};
  forwardedFor = {};
});

test("a page's requests to the API name its visitor", async ({ request }) => {
  await request.get(address, { headers: { "x-forwarded-for": "192.0.2.1" } });
  expect(forwardedFor["/api/tickets"]).toBe("192.0.2.1");
});

test("a failing page keeps the layout and can be retried", async ({ page }) => {
  await page.goto(address);
  await expect(page.getByRole("heading", { name: "Something broke on our side" })).toBeVisible();
  await expect(page.getByRole("link", { name: "Sign in" })).toBeVisible();
  await expectAccessible(page);

  apiResponses = { "/api/tickets": [] };
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(page.getByRole("heading", { name: "Nothing for sale right now" })).toBeVisible();
});

test.describe("in German", () => {
  test.use({ locale: "de-DE" });

  test("a failing page shows its error in the layout's language", async ({ page }) => {
    await page.goto(address);
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
    apiResponses = {
      "/api/users/currentuser": { currentUser: { id: "1", email: "late@example.com" } },
      [`/api/orders/${ORDER}`]: {
        id: ORDER,
        status: "cancelled",
        reason: "expired",
        version: 2,
        expiresAt: "2026-01-01T12:15:00Z",
        ticket: { id: ORDER, title: "Too late", price: 42.5, version: 1 },
      },
      "/api/payments": { orderId: ORDER, status, amount: 42.5 },
    };
    await context.addCookies([{ name: "session", value: "anybody", url: address }]);
    const consoleErrors = collectConsoleErrors(page);
    await page.route("**/api/orders/events", (route) =>
      route.fulfill({ contentType: "text/event-stream", body: ":\n\n" }),
    );
    await page.goto(`${address}/orders/${ORDER}`);
    await expect(page.getByRole("heading", { name: "Time ran out" })).toBeVisible();
    await expect(page.getByRole("main")).toContainText(`Your payment of $42.50 came too late`);
    await expect(page.getByRole("main")).toContainText(text);
    await expectAccessible(page);
    expect(consoleErrors).toEqual([]);
  });
}

for (const [status, text] of [
  ["reserved", "your change applies if the ticket goes back on sale"],
  ["sold", "so it was sold at the earlier price"],
] as const) {
  test(`an edit that an order overtook is explained to the seller of a ${status} ticket`, async ({
    page,
    context,
  }) => {
    apiResponses = {
      "/api/users/currentuser": { currentUser: { id: "1", email: "seller@example.com" } },
      [`/api/tickets/${ORDER}`]: {
        id: ORDER,
        title: "Front row",
        price: 10,
        userId: "1",
        status,
        orderId: ORDER,
        version: 2,
        lateEdit: { title: "First row", price: 99 },
        createdAt: "2026-01-01T12:00:00Z",
      },
    };
    await context.addCookies([{ name: "session", value: "anybody", url: address }]);
    await page.route("**/api/tickets/events", (route) =>
      route.fulfill({ contentType: "text/event-stream", body: ":\n\n" }),
    );
    await page.goto(`${address}/tickets/${ORDER}`);
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Front row");
    await expect(page.getByRole("main")).toContainText("$10.00");
    await expect(page.getByRole("main")).toContainText("(“First row”, $99.00)");
    await expect(page.getByRole("main")).toContainText(text);
    await expectAccessible(page);
  });
}
