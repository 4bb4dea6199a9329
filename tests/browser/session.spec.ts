import type { BrowserContext } from "@playwright/test";
import { expect, newEmail, PASSWORD, reserve, test } from "./fixtures.ts";

const forgetAccess = (context: BrowserContext) => context.clearCookies({ name: "session" });

/** Puts a token in its place that says of itself that it is over. */
async function expireAccess(context: BrowserContext): Promise<void> {
  const session = (await context.cookies()).find(({ name }) => name === "session");
  const [head, body, signature] = session?.value.split(".") ?? [];
  const claims = JSON.parse(Buffer.from(body ?? "", "base64url").toString()) as { exp: number };
  const past = { ...claims, exp: Math.floor(Date.now() / 1000) - 60 };
  const over = Buffer.from(JSON.stringify(past)).toString("base64url");
  await context.addCookies([{ ...session!, value: `${head}.${over}.${signature}` }]);
}

for (const [how, away] of [
  ["has expired", expireAccess],
  ["is gone", forgetAccess],
] as const) {
  test(`the first HTML already knows a reader whose access token ${how}`, async ({
    page,
    context,
    signedIn,
  }) => {
    await away(context);
    const response = await page.goto("/account");
    const html = (await response?.text()) ?? "";
    expect(html).toContain(signedIn);
    expect(html).toContain('href="/auth/signout"');
    await away(context);
    expect(await (await context.request.get("/")).text()).toContain('href="/auth/signout"');
    expect((await context.request.get("/api/orders")).status()).toBe(200);
  });
}

test("what is done on a page goes on when the access token expires in mid-visit", async ({
  signedInPage: page,
  context,
  seller,
}) => {
  const ticket = await seller.lists("Long visit");
  await page.goto(`/tickets/${ticket.id}`);
  await forgetAccess(context);
  await page.getByRole("button", { name: "Reserve and pay" }).click();
  await expect(page.getByRole("heading", { name: "Pay for your ticket" })).toBeVisible();

  await forgetAccess(context);
  await page.getByRole("link", { name: "My orders" }).first().click();
  await expect(page.getByRole("listitem").filter({ hasText: ticket.title })).toBeVisible();
});

test("an order's page follows its stream again after the session was renewed", async ({
  signedInPage: page,
  context,
  seller,
}) => {
  const order = await reserve(page.request, await seller.lists("Renewed"));
  const refused = { status: 401, json: { errors: [{ message: "Not authorized" }] } };
  await page.route("**/api/orders/events", (route) => route.fulfill(refused), { times: 1 });
  const renewed = page.waitForResponse(
    (response) => response.url().endsWith("/api/orders/events") && response.status() === 200,
  );
  const refreshed = page.waitForResponse("**/api/users/refresh");
  await page.goto(`/orders/${order.id}`);
  await forgetAccess(context);
  expect((await refreshed).status()).toBe(200);
  await renewed;
  await page.request.delete(`/api/orders/${order.id}`);
  await expect(page.getByRole("heading", { name: "You cancelled this order" })).toBeVisible();
});

for (const path of [
  "/tickets/new",
  "/tickets/mine",
  "/orders",
  "/orders/000000000000000000000000",
  "/account",
]) {
  test(`${path} sends whoever is signed out to sign in, and back`, async ({ page }) => {
    await page.goto(path);
    await expect(page).toHaveURL(`/auth/signin?next=${encodeURIComponent(path)}`);
    await page.getByRole("link", { name: "Create an account" }).click();
    await expect(page).toHaveURL(/\/auth\/signup/);
    await page.getByLabel("Email").fill(newEmail());
    await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
    await page.getByRole("button", { name: "Create account" }).click();
    await expect(page).toHaveURL(path);
  });
}

test("signing in never leads to another site", async ({ signedInPage: page }) => {
  for (const next of ["//evil.example/", "/\\evil.example", "https://evil.example/", "/%09/evil"]) {
    await page.goto(`/auth/signin?next=${encodeURIComponent(next)}`);
    await expect(page).toHaveURL(/^http:\/\/localhost:\d+\//);
  }
});

test("wrong credentials are told, and what was typed is kept", async ({ page }) => {
  await page.goto("/auth/signin");
  await page.getByLabel("Email").fill("nobody@example.com");
  await page.getByLabel("Password", { exact: true }).fill("wrong password");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("main").getByRole("alert")).toHaveText("Email or password is wrong.");
  await expect(page.getByLabel("Email")).toHaveValue("nobody@example.com");
});

test("what sign-up refuses is shown at its field", async ({ page, signedIn }) => {
  await page.context().clearCookies();
  await page.goto("/auth/signup");
  await page.getByLabel("Email").fill("nonsense");
  await page.getByLabel("Password", { exact: true }).fill("short");
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page.getByLabel("Email")).toHaveAccessibleDescription(/Enter an email address/);
  await expect(page.getByLabel("Password", { exact: true })).toHaveAccessibleDescription(
    /needs 6 to 128 characters/,
  );

  await page.getByLabel("Email").fill(signedIn);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page.getByLabel("Email")).toHaveAccessibleDescription(
    "There is already an account with this email.",
  );
  await expect(page.getByLabel("Email")).toBeFocused();
});

test("signing out forgets the reader, here and in the first HTML", async ({
  signedInPage: page,
}) => {
  await page.goto("/");
  await page.getByRole("link", { name: "Sign out" }).click();
  await expect(page.getByRole("link", { name: "Sign in" })).toBeVisible();
  await page.goto("/account");
  await expect(page).toHaveURL(/\/auth\/signin/);
});

test("a session can be ended from another device, and all of them at once", async ({
  page,
  playwright,
  baseURL,
  signedIn,
}) => {
  const other = await playwright.request.newContext({
    ...(baseURL && { baseURL }),
    userAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Safari/604.1",
  });
  await other.post("/api/users/signin", { data: { email: signedIn, password: PASSWORD } });
  await page.goto("/account");
  const phone = page.getByRole("listitem").filter({ hasText: "Safari on iPhone" });
  await phone.getByRole("button", { name: /^End session/ }).click();
  await expect(phone).toBeHidden();
  await expect(async () => {
    expect((await other.get("/api/orders")).status()).toBe(401);
  }).toPass();

  await page.getByRole("button", { name: "Sign out everywhere" }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Sign out everywhere" }).click();
  await expect(page.getByRole("link", { name: "Sign in" })).toBeVisible();
  await other.dispose();
});
