import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { resolve } from "node:path";
import { expectAccessible } from "./accessibility.ts";
import { complaintsOf } from "./console-errors.ts";
import { expect, test } from "./fixtures.ts";

const SERVER = resolve(import.meta.dirname, "../../client/.next/standalone/server.js");
const ORDER = "0123456789abcdef01234567";

test.skip(!process.env.TICKETING_HOME, "needs the client that was built for the system at hand");

/** What an API says, by path, that says what the real one seldom does; `{}` of all that is not named. */
let answers: Record<string, unknown>;
let api: Server;
let client: ChildProcess;
let address: string;

const portOf = (server: Server) => (server.address() as AddressInfo).port;

test.beforeAll(async () => {
  api = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "", "http://any.invalid");
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(answers[pathname] ?? {}));
  }).listen(0);
  await once(api, "listening");
  const free = createServer().listen(0);
  await once(free, "listening");
  const port = portOf(free);
  free.close();
  await once(free, "close");
  address = `http://127.0.0.1:${port}`;
  const env = {
    PORT: `${port}`,
    HOSTNAME: "127.0.0.1",
    API_URL: `http://127.0.0.1:${portOf(api)}`,
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
  answers = {};
});

test("a page that breaks says so, inside the frame of the site, and can be tried again", async ({
  page,
}) => {
  await page.goto(address);
  await expect(page.getByRole("heading", { name: "Something broke on our side" })).toBeVisible();
  await expect(page.getByRole("link", { name: "Sign in" })).toBeVisible();
  await expectAccessible(page);

  answers = { "/api/tickets": [] };
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(page.getByRole("heading", { name: "Nothing for sale right now" })).toBeVisible();
});

test.describe("in German", () => {
  test.use({ locale: "de-DE" });

  test("a page that breaks says so in the language of its frame", async ({ page }) => {
    await page.goto(address);
    await expect(page.getByRole("link", { name: "Anmelden" })).toBeVisible();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText(/schiefgelaufen/);
  });
});

for (const [status, told] of [
  ["refunded", "was refunded to your card"],
  ["refund_pending", "is on its way back to your card"],
  ["refund_failed", "We are looking into it"],
] as const) {
  test(`a payment that came too late is told of: ${status}`, async ({ page, context }) => {
    answers = {
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
    const complaints = complaintsOf(page);
    await page.route("**/api/orders/events", (route) =>
      route.fulfill({ contentType: "text/event-stream", body: ":\n\n" }),
    );
    await page.goto(`${address}/orders/${ORDER}`);
    await expect(page.getByRole("heading", { name: "Time ran out" })).toBeVisible();
    await expect(page.getByRole("main")).toContainText(`Your payment of $42.50 came too late`);
    await expect(page.getByRole("main")).toContainText(told);
    await expectAccessible(page);
    expect(complaints).toEqual([]);
  });
}
