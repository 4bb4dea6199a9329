import type { BrowserContext } from "@playwright/test";
import { expect, newEmail, PASSWORD, reserve, test } from "./fixtures.ts";

const deleteAccessToken = (context: BrowserContext) => context.clearCookies({ name: "session" });

/** Replaces the access token with one whose `exp` is in the past. */
async function expireAccessToken(context: BrowserContext): Promise<void> {
  const session = (await context.cookies()).find(({ name }) => name === "session");
  const [head, body, signature] = session?.value.split(".") ?? [];
  const claims = JSON.parse(Buffer.from(body ?? "", "base64url").toString()) as { exp: number };
  const expiredClaims = { ...claims, exp: Math.floor(Date.now() / 1000) - 60 };
  const payload = Buffer.from(JSON.stringify(expiredClaims)).toString("base64url");
  await context.addCookies([{ ...session!, value: `${head}.${payload}.${signature}` }]);
}

for (const [state, removeAccessToken] of [
  ["has expired", expireAccessToken],
  ["is gone", deleteAccessToken],
] as const) {
  test(`the server's HTML shows the user whose access token ${state}`, async ({
    page,
    context,
    userEmail,
  }) => {
    await removeAccessToken(context);
    const response = await page.goto("/account");
    const html = (await response?.text()) ?? "";
    expect(html).toContain(userEmail);
    expect(html).toContain('href="/auth/signout"');
    await removeAccessToken(context);
    expect(await (await context.request.get("/")).text()).toContain('href="/auth/signout"');
    expect((await context.request.get("/api/orders")).status()).toBe(200);
  });
}

test("the page keeps working when the access token is lost", async ({
  signedInPage: page,
  context,
  seller,
}) => {
  const ticket = await seller.list("Long visit");
  await page.goto(`/tickets/${ticket.id}`);
  await deleteAccessToken(context);
  await page.getByRole("button", { name: "Reserve and pay" }).click();
  await expect(page.getByRole("heading", { name: "Pay for your ticket" })).toBeVisible();

  await deleteAccessToken(context);
  await page.getByRole("link", { name: "My orders" }).first().click();
  await expect(page.getByRole("listitem").filter({ hasText: ticket.title })).toBeVisible();
});

test("the event stream reconnects after the session is renewed", async ({
  signedInPage: page,
  context,
  seller,
}) => {
  const order = await reserve(page.request, await seller.list("Renewed"));
  const refused = { status: 401, json: { errors: [{ message: "Not authorized" }] } };
  await page.route("**/api/orders/events", (route) => route.fulfill(refused), { times: 1 });
  const renewed = page.waitForResponse(
    (response) => response.url().endsWith("/api/orders/events") && response.status() === 200,
  );
  const refreshed = page.waitForResponse("**/api/users/refresh");
  await page.goto(`/orders/${order.id}`);
  await deleteAccessToken(context);
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
  test(`${path} redirects to sign-in and back`, async ({ page }) => {
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

test("signing in never redirects to another site", async ({ signedInPage: page }) => {
  for (const next of ["//evil.example/", "/\\evil.example", "https://evil.example/", "/%09/evil"]) {
    await page.goto(`/auth/signin?next=${encodeURIComponent(next)}`);
    await expect(page).toHaveURL(/^http:\/\/localhost:\d+\//);
  }
});

test("wrong credentials show an error and keep the email", async ({ page }) => {
  await page.goto("/auth/signin");
  await page.getByLabel("Email").fill("nobody@example.com");
  await page.getByLabel("Password", { exact: true }).fill("wrong password");
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page.getByRole("main").getByRole("alert")).toHaveText("Email or password is wrong.");
  await expect(page.getByLabel("Email")).toHaveValue("nobody@example.com");
});

test("sign-up errors are shown at their fields", async ({ page, userEmail }) => {
  await page.context().clearCookies();
  await page.goto("/auth/signup");
  await page.getByLabel("Email").fill("nonsense");
  await page.getByLabel("Password", { exact: true }).fill("short");
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page.getByLabel("Email")).toHaveAccessibleDescription(/Enter an email address/);
  await expect(page.getByLabel("Password", { exact: true })).toHaveAccessibleDescription(
    /needs 6 to 128 characters/,
  );

  await page.getByLabel("Email").fill(userEmail);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page.getByLabel("Email")).toHaveAccessibleDescription(
    "There is already an account with this email.",
  );
  await expect(page.getByLabel("Email")).toBeFocused();
});

test("signing out ends the session in the browser and on the server", async ({
  signedInPage: page,
}) => {
  await page.goto("/");
  await page.getByRole("link", { name: "Sign out" }).click();
  await expect(page.getByRole("link", { name: "Sign in" })).toBeVisible();
  await page.goto("/account");
  await expect(page).toHaveURL(/\/auth\/signin/);
});

test("one or all sessions can be ended from another device", async ({
  page,
  playwright,
  baseURL,
  userEmail,
}) => {
  const otherDevice = await playwright.request.newContext({
    ...(baseURL && { baseURL }),
    userAgent: "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Safari/604.1",
  });
  await otherDevice.post("/api/users/signin", { data: { email: userEmail, password: PASSWORD } });
  await page.goto("/account");
  const sessions = page.getByRole("main").getByRole("listitem");
  await expect(sessions.first()).toContainText("This device");
  const phone = sessions.filter({ hasText: "Safari on iPhone" });
  await phone.getByRole("button", { name: /^End session/ }).click();
  await expect(phone).toBeHidden();
  await expect(page.getByRole("list", { name: "Where you are signed in" })).toBeFocused();
  await expect(page.getByText("The session has ended.")).toBeAttached();
  await expect(async () => {
    expect((await otherDevice.get("/api/orders")).status()).toBe(401);
  }).toPass();

  await page.getByRole("button", { name: "Sign out everywhere" }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Sign out everywhere" }).click();
  await expect(page.getByRole("link", { name: "Sign in" })).toBeVisible();
  await otherDevice.dispose();
});
