import type { Page } from "@playwright/test";
import { expectAccessible } from "./accessibility.ts";
import { collectConsoleErrors } from "./console-errors.ts";
import { expect, pay, reserve, Seller, signUp, test } from "./fixtures.ts";
import { buy, listInVault } from "./originals.ts";
import { PAGE_CASES } from "./page-cases.ts";
import { buyAndWait, offerRefund } from "./sales.ts";
import { newCode } from "./ticket-files.ts";

/** The screen at which WCAG 1.4.10 requires that a page needs no scrolling in two directions. */
const NARROWEST = { width: 320, height: 640 };

type LayoutShift = PerformanceEntry & { value: number; hadRecentInput: boolean };

/** Returns the page's Cumulative Layout Shift (web.dev). */
const measureLayoutShift = (page: Page) =>
  page.evaluate(
    () =>
      new Promise<number>((done) => {
        let sum = 0;
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries() as LayoutShift[]) {
            if (!entry.hadRecentInput) sum += entry.value; // a click may show errors
          }
        }).observe({ type: "layout-shift", buffered: true });
        setTimeout(() => done(sum), 300);
      }),
  );

/** Returns by how many pixels the page is wider than the screen. */
const measureOverflow = (page: Page) =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(`${colorScheme} mode`, () => {
    test.use({ colorScheme });

    for (const { name, heading, open } of PAGE_CASES) {
      test(`${name} is accessible, stable and free of console errors`, async ({
        signedInPage: page,
        seller,
      }) => {
        const consoleErrors = collectConsoleErrors(page);
        await open(page, {
          ticketId: async () => (await seller.list("Accessible")).id,
          showId: async () => (await seller.addShow()).id,
          showTicketId: async () => {
            const more = { showId: (await seller.addShow()).id, seat: { row: "4", seat: "12" } };
            return (await seller.list("Accessible", 42.5, undefined, more)).id;
          },
          ownTicketId: async () => {
            const data = { title: "Own listing", price: 9.5 };
            const listed = await page.request.post("/api/tickets", { data });
            return ((await listed.json()) as { id: string }).id;
          },
          orderId: async () => (await reserve(page.request, await seller.list("Ordered"))).id,
          orderWithOffer: async () => {
            const order = await buyAndWait(page.request, await seller.list("Offered back"));
            await offerRefund(seller.request, order);
            return order.id;
          },
          sell: async () =>
            buyAndWait(seller.request, await new Seller(page.request).list("Own sale", 50)),
          buyFromVault: async () => {
            const ticket = await listInVault(seller, newCode());
            return { ticket, order: await buy(page.request, ticket) };
          },
        });
        const title = page.getByRole("heading", { level: 1, name: heading, includeHidden: true });
        await expect(title).toBeVisible();
        await expect(page).toHaveTitle(/\S/);
        await expectAccessible(page);
        expect(await measureLayoutShift(page)).toBeLessThan(0.02);
        expect(await measureOverflow(page)).toBe(0);
        await page.setViewportSize(NARROWEST);
        expect(await measureOverflow(page)).toBe(0);
        expect(consoleErrors).toEqual([]);
      });
    }

    for (const path of ["/", "/auth/signin", "/auth/signup", "/auth/forgot"]) {
      test(`${path} is accessible without a session`, async ({ page }) => {
        const consoleErrors = collectConsoleErrors(page);
        await page.goto(path);
        await expectAccessible(page);
        expect(consoleErrors).toEqual([]);
      });
    }
  });
}

for (const [locale, names] of [
  ["en-US", ["Help", "Contact", "Terms", "Privacy", "Imprint"]],
  ["de-DE", ["Hilfe", "Kontakt", "Nutzungsbedingungen", "Datenschutz", "Impressum"]],
] as const) {
  test.describe(`in ${locale}`, () => {
    test.use({ locale });

    test("the footer leads to help, contact, terms, privacy and imprint", async ({ page }) => {
      await page.goto("/");
      for (const name of names) {
        await page.getByRole("contentinfo").getByRole("link", { name, exact: true }).click();
        const spelt = new RegExp(name.replace("sb", "s\u00ad?b")); // with a soft hyphen
        await expect(page.getByRole("heading", { level: 1, name: spelt })).toBeVisible();
        await expect(page).toHaveTitle(new RegExp(name));
        await expectAccessible(page);
      }
    });
  });
}

test("the buttons that bind are accompanied by the terms", async ({ page, context, seller }) => {
  const terms = page.getByRole("main").getByRole("link", { name: "terms of use" });
  await page.goto("/auth/signup");
  await expect(terms).toHaveAttribute("href", "/terms");
  await signUp(context.request);
  const ticket = await seller.list("Under these terms");
  for (const path of ["/tickets/new", `/tickets/${ticket.id}`]) {
    await page.goto(path);
    await expect(terms).toBeVisible();
  }
  const order = await reserve(context.request, ticket);
  await page.goto(`/orders/${order.id}`);
  await expect(terms).toBeVisible();
});

test("the page follows the system's colour scheme without a reload", async ({ page }) => {
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

test("with forced colours, buttons and tickets keep an outline", async ({
  signedInPage: page,
  seller,
}) => {
  await page.emulateMedia({ forcedColors: "active" });
  const ticket = await seller.list("High contrast");
  await page.goto(`/tickets/${ticket.id}`);
  for (const element of [
    page.getByRole("button", { name: "Reserve and pay" }),
    page.getByRole("article").locator(".ticket-top"),
  ]) {
    const [width, colour] = await element.evaluate((found) => {
      const style = getComputedStyle(found);
      return [style.borderTopWidth, style.borderTopColor];
    });
    expect(width).not.toBe("0px");
    expect(colour).toMatch(/^rgb\(/); // and not transparent
  }
});

test("a receipt is printed without menu and buttons", async ({ signedInPage: page, seller }) => {
  const order = await reserve(page.request, await seller.list("On paper"));
  await pay(page.request, order);
  await expect(async () => {
    await page.goto(`/orders/${order.id}`);
    await expect(page.getByRole("article", { name: "Receipt" })).toBeVisible({ timeout: 1_000 });
  }).toPass();
  await page.emulateMedia({ media: "print" });
  await expect(page.getByRole("article", { name: "Receipt" })).toBeVisible();
  await expect(page.getByRole("link")).toHaveCount(0);
  await expect(page.getByRole("button")).toHaveCount(0);
});

test("a title in another script has its own direction", async ({ page, seller }) => {
  const title = `מופע של להקה ${Date.now()}`;
  const ticket = await seller.list(title, 20, title);
  await page.goto(`/?q=${encodeURIComponent(title)}`);
  const direction = (name: string) =>
    page.getByRole("heading", { name }).evaluate((heading) => getComputedStyle(heading).direction);
  expect(await direction(title)).toBe("rtl");
  await page.goto(`/tickets/${ticket.id}`);
  expect(await direction(title)).toBe("rtl");
});

test("an invalid price range is kept and explained at its fields", async ({ page }) => {
  await page.goto("/?minPrice=cheap&maxPrice=2000000");
  const from = page.getByLabel("Min price ($)");
  await expect(from).toHaveAccessibleDescription("Enter a number, such as 25 or 19.90.");
  await expect(from).toHaveValue("cheap");
  await expect(page.getByLabel("Max price ($)")).toHaveAccessibleDescription(/up to 1,000,000/);
  await expectAccessible(page);
  await page.getByRole("link", { name: "clear it" }).click();
  await expect(from).toHaveValue("");
});

test("the mobile menu opens, navigates and closes", async ({ signedInPage: page, isMobile }) => {
  test.skip(!isMobile, "wide screens have no menu button");
  await page.goto("/");
  await page.getByRole("button", { name: "Menu" }).click();
  await expectAccessible(page);
  await page.getByRole("link", { name: "My orders" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "My orders" })).toBeVisible();
  await expect(page.getByRole("link", { name: "My orders" })).toBeHidden();
});

test("the focus moves to the content after a navigation", async ({
  signedInPage: page,
  seller,
}) => {
  const ticket = await seller.list("In focus");
  await page.goto(`/?q=${encodeURIComponent(ticket.title)}`);
  await page.getByRole("link", { name: ticket.title }).click();
  await expect(page.getByRole("heading", { level: 1, name: ticket.title })).toBeVisible();
  await expect(page.getByRole("main")).toBeFocused();
  await page.goBack();
  await expect(page.getByRole("searchbox")).toHaveValue(ticket.title);
  await expect(page.getByRole("main")).toBeFocused();
});

test("an unknown page and another user's order return 404", async ({
  signedInPage: page,
  newUser,
  seller,
}) => {
  expect((await page.goto("/nowhere"))?.status()).toBe(404);
  expect((await page.goto("/tickets/nonsense"))?.status()).toBe(404);
  const order = await reserve((await newUser()).request, await seller.list("Not yours"));
  expect((await page.goto(`/orders/${order.id}`))?.status()).toBe(404);
});

for (const locale of ["en-usa", "de-deu, de;q=0.5", "en-u"]) {
  test(`pages are rendered for the language ${locale}`, async ({ page, seller, userEmail }) => {
    expect(userEmail).toBeTruthy();
    const ticket = await seller.list("In any language", 1234.5);
    const order = await reserve(page.request, ticket);
    const headers = { "accept-language": locale };
    for (const path of ["/", `/tickets/${ticket.id}`, `/orders/${order.id}`, "/account"]) {
      expect((await page.request.get(path, { headers })).status(), path).toBe(200);
    }
  });
}

test("an address that cannot be decoded is not found", async ({ page }) => {
  for (const path of ["/tickets/%ff", "/orders/%ff", "/%ff", "/tickets/%E0%A4"]) {
    expect((await page.goto(path))?.status(), path).toBe(404);
    await expect(page.getByRole("heading", { level: 1, name: "Page not found" })).toBeVisible();
  }
});

test("an empty choice of a language changes nothing", async ({ request }) => {
  for (const options of [{}, { data: "" }, { form: {} }, { headers: { "content-type": "x" } }]) {
    const response = await request.post("/language", { ...options, maxRedirects: 0 });
    expect(response.status()).toBe(303);
    expect(response.headers()["set-cookie"]).toBeUndefined();
  }
});

test.describe("without scripts", () => {
  test.use({ javaScriptEnabled: false, locale: "de-DE" });

  test("a missing page has frame, language and style", async ({ page, newUser, seller }) => {
    const order = await reserve((await newUser()).request, await seller.list("Not yours"));
    await signUp(page.request);
    for (const path of [
      "/nowhere",
      "/tickets/nonsense",
      "/tickets/000000000000000000000000",
      "/orders/000000000000000000000000",
      "/orders/000000000000000000000000/resell",
      `/orders/${order.id}`,
      `/orders/${order.id}/resell`,
    ]) {
      const response = await page.goto(path);
      expect(response?.status(), path).toBe(404);
      await expect(page.locator("html")).toHaveAttribute("lang", "de");
      await expect(page).toHaveTitle(/Seite nicht gefunden/);
      await expect(page.getByRole("heading", { level: 1 })).toHaveText("Seite nicht gefunden");
      await expect(page.getByRole("navigation").first()).toBeAttached();
      expect(await page.evaluate(() => document.styleSheets.length)).toBeGreaterThan(0);
      expect(new URL(page.url()).pathname).toBe(path);
    }
  });
});

test.describe("in German", () => {
  test.use({ locale: "de-DE" });

  test("the page uses the browser's language until another one is chosen", async ({
    page,
    seller,
  }) => {
    const ticket = await seller.list("Sprachtest", 1234.5);
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

test("times are shown in the browser's time zone", async ({ page, seller }) => {
  const ticket = await seller.list("In Berlin");
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

test("every response has a new nonce, and every script carries it", async ({ page }) => {
  const nonces = new Set<string>();
  for (let visit = 0; visit < 2; visit += 1) {
    const response = await page.goto("/");
    const policy = response?.headers()["content-security-policy"] ?? "";
    const nonce = /'nonce-([^']+)'/.exec(policy)?.[1] ?? "none";
    nonces.add(nonce);
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/script-src[^;]*unsafe-inline/);
    const html = (await response?.text()) ?? "";
    const withoutNonce = [...html.matchAll(/<script(?![^>]*nonce=)[^>]*>/g)].map(([tag]) => tag);
    expect(withoutNonce).toEqual([]);
  }
  expect(nonces.size).toBe(2);
});

test("a page has the policy whatever its path ends in, and never the visitor's nonce", async ({
  request,
}) => {
  const forged = "script-src 'nonce-forged'";
  const headers = {
    "content-security-policy": forged,
    "content-security-policy-report-only": forged,
    "x-nonce": "forged",
  };
  for (const path of ["/nothing.html", "/tickets/nothing.js", "/_next/nothing", "/offline.html"]) {
    const response = await request.get(path, { headers });
    const policy = response.headers()["content-security-policy"];
    expect(policy, path).toMatch(/script-src[^;]*'nonce-/);
    for (const directive of ["object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"]) {
      expect(policy, path).toContain(directive);
    }
    expect(response.headers()["x-content-type-options"], path).toBe("nosniff");
    expect(response.headers()["referrer-policy"], path).toBe("strict-origin-when-cross-origin");
    expect(policy, path).not.toContain("forged");
    expect(await response.text(), path).not.toContain("forged");
  }
});

test("the order summary does not move when the form loads", async ({
  signedInPage: page,
  seller,
}) => {
  const ticket = await seller.list("In parts");
  const order = await reserve(page.request, ticket);
  await page.goto(`/orders/${order.id}`);
  const summary = page.getByRole("heading", { level: 2, name: ticket.title });
  const before = await summary.boundingBox();
  expect(before).not.toBeNull();
  await page
    .locator("section", { has: page.getByRole("heading", { level: 1 }) })
    .evaluate((form) => {
      form.style.display = "none"; // the state before the form has loaded
    });
  expect(await summary.boundingBox()).toEqual(before);
});

test("a slow page shows a progress bar", async ({ page, seller }) => {
  const ticket = await seller.list("Slow");
  await page.goto(`/?q=${encodeURIComponent(ticket.title)}`);
  let release = () => {};
  const released = new Promise<void>((done) => (release = done));
  await page.route(`**/tickets/${ticket.id}*`, async (route) => {
    await released;
    await route.continue();
  });
  await page.getByRole("link", { name: ticket.title }).click();
  await expect(page.locator("[data-pending]")).toBeAttached();
  release();
  await expect(page.getByRole("heading", { level: 1, name: ticket.title })).toBeVisible();
  await expect(page.locator("[data-pending]")).not.toBeAttached();
});
