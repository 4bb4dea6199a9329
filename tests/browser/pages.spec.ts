import type { Page } from "@playwright/test";
import { expectAccessible } from "./accessibility.ts";
import { CARDS, payWith } from "./stripe-frame.ts";
import { complaintsOf } from "./console-errors.ts";
import { expect, reserve, test } from "./fixtures.ts";

/** How far things moved by themselves while the page came up (web.dev, Cumulative Layout Shift). */
const layoutShift = (page: Page) =>
  page.evaluate(
    () =>
      new Promise<number>((done) => {
        let sum = 0;
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries() as (PerformanceEntry & { value: number })[]) {
            sum += entry.value;
          }
        }).observe({ type: "layout-shift", buffered: true });
        setTimeout(() => done(sum), 300);
      }),
  );

interface Visit {
  name: string;
  heading: RegExp;
  open: (page: Page, prepare: Prepare) => Promise<unknown>;
}

interface Prepare {
  ticketId: () => Promise<string>;
  ownTicketId: () => Promise<string>;
  orderId: () => Promise<string>;
}

const VISITS: Visit[] = [
  { name: "tickets", heading: /You can/, open: (page) => page.goto("/") },
  {
    name: "a search that finds nothing",
    heading: /You can/,
    open: (page) => page.goto("/?q=zzzz-nothing"),
  },
  {
    name: "a ticket",
    heading: /Accessible/,
    open: async (page, { ticketId }) => page.goto(`/tickets/${await ticketId()}`),
  },
  {
    name: "one's own ticket",
    heading: /Own listing/,
    open: async (page, { ownTicketId }) => page.goto(`/tickets/${await ownTicketId()}`),
  },
  { name: "a new ticket", heading: /Sell a ticket/, open: (page) => page.goto("/tickets/new") },
  {
    name: "a form with mistakes",
    heading: /Sell a ticket/,
    open: async (page) => {
      await page.goto("/tickets/new");
      await page.getByRole("button", { name: "List ticket" }).click();
    },
  },
  {
    name: "my tickets, none yet",
    heading: /My tickets/,
    open: (page) => page.goto("/tickets/mine"),
  },
  {
    name: "my tickets",
    heading: /My tickets/,
    open: async (page, { ownTicketId }) => {
      await ownTicketId();
      return page.goto("/tickets/mine");
    },
  },
  { name: "my orders, none yet", heading: /My orders/, open: (page) => page.goto("/orders") },
  {
    name: "my orders",
    heading: /My orders/,
    open: async (page, { orderId }) => {
      await orderId();
      return page.goto("/orders");
    },
  },
  {
    name: "an order to pay",
    heading: /Pay for your ticket/,
    open: async (page, { orderId }) => page.goto(`/orders/${await orderId()}`),
  },
  {
    name: "an order that is paid",
    heading: /It’s yours/,
    open: async (page, { orderId }) => {
      await page.goto(`/orders/${await orderId()}`);
      await payWith(page, CARDS.good);
      await expect(page.getByRole("article", { name: "Receipt" })).toContainText("4242");
      await page.reload();
    },
  },
  {
    name: "an order that was cancelled",
    heading: /You cancelled this order/,
    open: async (page, { orderId }) => {
      const id = await orderId();
      await page.request.delete(`/api/orders/${id}`);
      return page.goto(`/orders/${id}`);
    },
  },
  {
    name: "the question before an order is cancelled",
    heading: /Pay for your ticket/,
    open: async (page, { orderId }) => {
      await page.goto(`/orders/${await orderId()}`);
      await page.getByRole("button", { name: "Cancel order" }).click();
      await expect(page.getByRole("alertdialog")).toBeVisible();
    },
  },
  { name: "the account", heading: /Account/, open: (page) => page.goto("/account") },
  {
    name: "a page that is not there",
    heading: /Page not found/,
    open: (page) => page.goto("/nowhere"),
  },
  {
    name: "an order of nobody's",
    heading: /Page not found/,
    open: (page) => page.goto("/orders/000000000000000000000000"),
  },
];

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(`in the ${colorScheme}`, () => {
    test.use({ colorScheme });

    for (const { name, heading, open } of VISITS) {
      test(`${name}: accessible, steady, and nothing to complain of`, async ({
        signedInPage: page,
        seller,
      }) => {
        const complaints = complaintsOf(page);
        await open(page, {
          ticketId: async () => (await seller.lists("Accessible")).id,
          ownTicketId: async () => {
            const data = { title: "Own listing", price: 9.5 };
            const listed = await page.request.post("/api/tickets", { data });
            return ((await listed.json()) as { id: string }).id;
          },
          orderId: async () => (await reserve(page.request, await seller.lists("Ordered"))).id,
        });
        const title = page.getByRole("heading", { level: 1, name: heading, includeHidden: true });
        await expect(title).toBeVisible();
        await expect(page).toHaveTitle(/\S/);
        await expectAccessible(page);
        expect(await layoutShift(page)).toBeLessThan(0.02);
        const sideways = () => document.documentElement.scrollWidth - window.innerWidth;
        expect(await page.evaluate(sideways)).toBeLessThanOrEqual(0);
        expect(complaints).toEqual([]);
      });
    }

    for (const path of ["/", "/auth/signin", "/auth/signup"]) {
      test(`${path} is accessible to whoever is signed out`, async ({ page }) => {
        const complaints = complaintsOf(page);
        await page.goto(path);
        await expectAccessible(page);
        expect(complaints).toEqual([]);
      });
    }
  });
}

test("the page is as dark as the reader wants it, at once and without a reload", async ({
  page,
}) => {
  const brightness = () =>
    page.evaluate(() => {
      const colour = getComputedStyle(document.body).backgroundColor;
      return Math.max(...(colour.match(/[\d.]+/g) ?? []).slice(0, 3).map(Number));
    });
  await page.emulateMedia({ colorScheme: "dark" });
  await page.goto("/");
  expect(await brightness()).toBeLessThan(50);
  await page.emulateMedia({ colorScheme: "light" });
  expect(await brightness()).toBeGreaterThan(200);
});

test("a price range that is refused is told at its fields, and kept as it was typed", async ({
  page,
}) => {
  await page.goto("/?minPrice=cheap&maxPrice=2000000");
  const from = page.getByLabel("Min price ($)");
  await expect(from).toHaveAccessibleDescription("Enter a number, such as 25 or 19.90.");
  await expect(from).toHaveValue("cheap");
  await expect(page.getByLabel("Max price ($)")).toHaveAccessibleDescription(/up to 1,000,000/);
  await expectAccessible(page);
  await page.getByRole("link", { name: "clear it" }).click();
  await expect(from).toHaveValue("");
});

test("the menu opens, leads on and closes again", async ({ signedInPage: page, isMobile }) => {
  test.skip(!isMobile, "wide screens show the menu at once");
  await page.goto("/");
  await page.getByRole("button", { name: "Menu" }).click();
  await expectAccessible(page);
  await page.getByRole("link", { name: "My orders" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "My orders" })).toBeVisible();
  await expect(page.getByRole("link", { name: "My orders" })).toBeHidden();
});

test("a missing page and somebody else's order answer 404", async ({
  signedInPage: page,
  another,
  seller,
}) => {
  expect((await page.goto("/nowhere"))?.status()).toBe(404);
  expect((await page.goto("/tickets/nonsense"))?.status()).toBe(404);
  const order = await reserve((await another()).request, await seller.lists("Not yours"));
  expect((await page.goto(`/orders/${order.id}`))?.status()).toBe(404);
});

test.describe("in German", () => {
  test.use({ locale: "de-DE" });

  test("the page speaks the browser's language, and another when it is picked", async ({
    page,
    seller,
  }) => {
    const ticket = await seller.lists("Sprachtest", 1234.5);
    await page.goto(`/tickets/${ticket.id}`);
    await expect(page.locator("html")).toHaveAttribute("lang", "de");
    await expect(page.getByText("1.234,50 $")).toBeVisible();
    await expect(page.getByRole("link", { name: "Zum Reservieren anmelden" })).toBeVisible();
    await page.getByRole("button", { name: "English" }).click();
    await expect(page.locator("html")).toHaveAttribute("lang", "en");
    await expect(page.getByRole("link", { name: "Sign in to reserve" })).toBeVisible();
    await expect(page).toHaveURL(`/tickets/${ticket.id}`);
  });
});

test("times are in the reader's own zone", async ({ page, seller }) => {
  const ticket = await seller.lists("In Berlin");
  const { createdAt } = (await (await seller.request.get(`/api/tickets/${ticket.id}`)).json()) as {
    createdAt: string;
  };
  await page.goto(`/tickets/${ticket.id}`);
  const berlin = new Intl.DateTimeFormat("en-US", {
    timeStyle: "short",
    timeZone: "Europe/Berlin",
  }).format(new Date(createdAt));
  await expect(page.locator("time")).toContainText(berlin.replace(/\s/g, " "));
});

test("every page has a policy of its own, and no script without its nonce", async ({ page }) => {
  const policies = new Set<string>();
  for (let visit = 0; visit < 2; visit += 1) {
    const response = await page.goto("/");
    const policy = response?.headers()["content-security-policy"] ?? "";
    const nonce = /'nonce-([^']+)'/.exec(policy)?.[1] ?? "none";
    policies.add(nonce);
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/script-src[^;]*unsafe-inline/);
    const html = (await response?.text()) ?? "";
    const bare = [...html.matchAll(/<script(?![^>]*nonce=)[^>]*>/g)].map(([tag]) => tag);
    expect(bare).toEqual([]);
  }
  expect(policies.size).toBe(2);
});

test("what comes first of an order's page does not move when the rest comes", async ({
  signedInPage: page,
  seller,
}) => {
  const ticket = await seller.lists("In parts");
  const order = await reserve(page.request, ticket);
  await page.goto(`/orders/${order.id}`);
  const summary = page.getByRole("heading", { level: 2, name: ticket.title });
  const whole = await summary.boundingBox();
  expect(whole).not.toBeNull();
  await page
    .locator("section", { has: page.getByRole("heading", { level: 1 }) })
    .evaluate((form) => {
      form.style.display = "none"; // as while only the summary has come
    });
  expect(await summary.boundingBox()).toEqual(whole);
});

test("a slow page says that it is on its way", async ({ page, seller }) => {
  const ticket = await seller.lists("Slow");
  await page.goto(`/?q=${encodeURIComponent(ticket.title)}`);
  let arrived = () => {};
  const held = new Promise<void>((done) => (arrived = done));
  await page.route(`**/tickets/${ticket.id}*`, async (route) => {
    await held;
    await route.continue();
  });
  await page.getByRole("link", { name: ticket.title }).click();
  await expect(page.locator("[data-pending]")).toBeAttached();
  arrived();
  await expect(page.getByRole("heading", { level: 1, name: ticket.title })).toBeVisible();
  await expect(page.locator("[data-pending]")).not.toBeAttached();
});
