import { expect, reserve, test } from "./fixtures.ts";
import { answer3dsChallenge, CARDS, fillCard, payButton, payWith } from "./stripe-frame.ts";

test("a ticket is found, reserved and paid, and has a receipt", async ({
  signedInPage: page,
  seller,
}) => {
  const ticket = await seller.list("Gala at the Burgtheater", 1234.5);
  await page.goto("/");
  await page.getByRole("searchbox").fill(ticket.title);
  await page.getByRole("button", { name: "Search" }).click();
  await page.getByRole("link", { name: ticket.title }).click();
  await expect(page.getByRole("heading", { level: 1, name: ticket.title })).toBeVisible();
  await page.getByRole("button", { name: "Reserve and pay" }).click();

  await expect(page).toHaveURL(/\/orders\/[0-9a-f]{24}$/);
  await expect(page.getByRole("timer")).toHaveText(/^\d\d:\d\d$/);
  await payWith(page, CARDS.valid);

  await expect(page.getByRole("heading", { name: "It’s yours" })).toBeVisible();
  const receipt = page.getByRole("article", { name: "Receipt" });
  await expect(receipt).toContainText("$1,234.50");
  await expect(receipt).toContainText(/visa •••• 4242/i);

  await page.getByRole("link", { name: "My orders" }).first().click();
  await expect(page.getByRole("listitem").filter({ hasText: ticket.title })).toContainText("Paid");
});

test("the reservation and the payment share a trace id", async ({ signedInPage: page, seller }) => {
  const ticket = await seller.list("Traced");
  const traces = new Map<string, string | undefined>();
  page.on("request", (request) => {
    const path = new URL(request.url()).pathname;
    if (request.method() === "POST") traces.set(path, request.headers().traceparent);
  });
  await page.goto(`/tickets/${ticket.id}`);
  await page.getByRole("button", { name: "Reserve and pay" }).click();
  await expect(page.getByRole("heading", { name: "Pay for your ticket" })).toBeVisible();
  await page.reload();
  await payWith(page, CARDS.valid);
  await expect(page.getByRole("heading", { name: "It’s yours" })).toBeVisible();

  const [reservation, payment] = ["/api/orders", "/api/payments"].map(
    (path) => traces.get(path) ?? "",
  );
  expect(reservation).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  expect(payment).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  expect(payment?.split("-")[1]).toBe(reservation?.split("-")[1]);
});

test.describe("an open order", () => {
  test.beforeEach(async ({ signedInPage: page, seller }) => {
    const order = await reserve(page.request, await seller.list("Chamber concert"));
    await page.goto(`/orders/${order.id}`);
  });

  test("stays open after a decline and is paid with another card", async ({ page }) => {
    await payWith(page, CARDS.insufficientFunds);
    await expect(page.getByRole("main").getByRole("alert")).toContainText("not enough money");
    await expect(page.getByRole("timer")).toBeVisible();
    await payWith(page, CARDS.valid);
    await expect(page.getByRole("heading", { name: "It’s yours" })).toBeVisible();
  });

  test("is paid after 3-D Secure succeeds", async ({ page }) => {
    await payWith(page, CARDS.requires3ds);
    await answer3dsChallenge(page, "Complete");
    await expect(page.getByRole("heading", { name: "It’s yours" })).toBeVisible();
  });

  test("can be paid again after 3-D Secure fails", async ({ page }) => {
    await payWith(page, CARDS.requires3ds);
    await answer3dsChallenge(page, "Fail");
    await expect(page.getByRole("main").getByRole("alert")).toContainText("could not confirm");
    await payWith(page, CARDS.valid);
    await expect(page.getByRole("heading", { name: "It’s yours" })).toBeVisible();
  });

  test("is charged once when the button is clicked repeatedly", async ({ page }) => {
    let requestCount = 0;
    page.on("request", (request) => {
      if (request.method() === "POST" && request.url().endsWith("/api/payments")) requestCount += 1;
    });
    await fillCard(page, CARDS.valid);
    await payButton(page).click({ clickCount: 5, delay: 5 });
    await expect(page.getByRole("heading", { name: "It’s yours" })).toBeVisible();
    expect(requestCount).toBe(1);
  });

  test("can be cancelled", async ({ page }) => {
    await page.getByRole("button", { name: "Cancel order" }).click();
    const dialog = page.getByRole("alertdialog");
    await dialog.getByRole("button", { name: "Keep it" }).click();
    await expect(dialog).toBeHidden();
    await page.getByRole("button", { name: "Cancel order" }).click();
    await dialog.getByRole("button", { name: "Cancel order" }).click();
    await expect(page.getByRole("heading", { name: "You cancelled this order" })).toBeVisible();
  });
});

test("the time left is in the tab's title while an order can be paid", async ({
  signedInPage: page,
  seller,
}) => {
  const ticket = await seller.list("Timed");
  const order = await reserve(page.request, ticket);
  await page.goto(`/orders/${order.id}`);
  await expect(page).toHaveTitle(new RegExp(`^\\d\\d:\\d\\d · ${ticket.title}`));
  const before = await page.title();
  await expect(page).not.toHaveTitle(before);
  await payWith(page, CARDS.valid);
  await expect(page.getByRole("heading", { name: "It’s yours" })).toBeVisible();
  await expect(page).toHaveTitle(`${ticket.title} · Ticketing`);
});

test("the button that pays and the time left stay on a narrow screen", async ({
  signedInPage: page,
  seller,
  isMobile,
}) => {
  test.skip(!isMobile, "wide screens have room for both beside the form");
  const order = await reserve(page.request, await seller.list("Pocket"));
  await page.goto(`/orders/${order.id}`);
  for (const key of ["Home", "End"]) {
    await page.keyboard.press(key);
    await expect(payButton(page)).toBeInViewport({ ratio: 1 });
    await expect(page.locator("[data-bottom-bar]")).toContainText(/\d\d:\d\d/);
  }
  const footer = page.getByRole("contentinfo");
  await expect(async () => {
    await page.keyboard.press("End"); // the page grows while the card form loads
    const bar = await page.locator("[data-bottom-bar]").boundingBox();
    const end = await footer.boundingBox();
    expect(end!.y + end!.height).toBeLessThanOrEqual(bar!.y + 1);
  }).toPass(); // it may still be scrolling
});

test.describe("in German", () => {
  test.use({ locale: "de-AT" });

  test("the card form is in German and begins with the reader's country", async ({
    signedInPage: page,
    seller,
  }) => {
    const order = await reserve(page.request, await seller.list("Auf Deutsch"));
    await page.goto(`/orders/${order.id}`);
    const form = page.frameLocator('iframe[title^="Sicherer Eingaberahmen"]');
    await expect(form.getByLabel("Kartennummer")).toBeVisible();
    await expect(form.getByLabel("Land")).toHaveValue("AT");
    await expect(form.getByRole("option", { name: "Österreich" })).toBeAttached();
    await form.getByLabel("Kartennummer").fill("4242424242424241");
    await expect(form.getByText("Die Kartennummer ist ungültig.")).toBeVisible();
  });
});

test("a ticket is bought with the keyboard alone", async ({ signedInPage: page, seller }) => {
  const ticket = await seller.list("Keyboard recital");
  await page.goto(`/tickets/${ticket.id}`);
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to content" })).toBeFocused();
  await page.keyboard.press("Enter");
  await tabTo(page.getByRole("button", { name: "Reserve and pay" }));
  await page.keyboard.press("Enter");
  await expect(payButton(page)).toBeEnabled();

  await tabTo(page.frameLocator("iframe").locator('[name="number"]'));
  await page.keyboard.type(CARDS.valid);
  await page.keyboard.press("Tab");
  await page.keyboard.type("1234");
  await page.keyboard.press("Tab");
  await page.keyboard.type("123");
  await tabTo(page.frameLocator("iframe").locator('[name="postalCode"]'));
  await page.keyboard.type("12345");
  await tabTo(payButton(page));
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "It’s yours" })).toBeInViewport();
  await expect(page.locator(":focus")).toContainText("It’s yours"); // announced by screen readers

  async function tabTo(target: ReturnType<typeof payButton>) {
    await expect(target).toBeVisible();
    for (let pressed = 0; pressed < 30; pressed += 1) {
      if (await target.evaluate((element) => element.matches(":focus"))) return;
      await page.keyboard.press("Tab");
    }
    await expect(target).toBeFocused();
  }
});
