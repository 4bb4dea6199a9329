import type { BrowserContext, Page } from "@playwright/test";
import { expect, PASSWORD, signUp, test } from "./fixtures.ts";
import { linkTo } from "./mail.ts";

const NEW_PASSWORD = "a horse of another colour";

/** Plugs a phone into the browser that creates passkeys, and confirms with a fingerprint at once. */
async function addAuthenticator(context: BrowserContext, page: Page): Promise<void> {
  const session = await context.newCDPSession(page);
  await session.send("WebAuthn.enable");
  await session.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
}

async function addPasskey(page: Page, name: string): Promise<void> {
  await page.goto("/account/passkeys");
  await page.getByLabel("Name", { exact: true }).first().fill(name);
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await expect(page.getByRole("heading", { level: 3, name })).toBeVisible();
}

/** Asks for a passkey after the password, and returns the recovery codes. */
async function requireSecondStep(page: Page): Promise<string[]> {
  await page.getByRole("button", { name: "Ask for a passkey as well" }).click();
  await expect(page.getByRole("button", { name: "Ask for the password only" })).toBeVisible();
  await page.getByRole("button", { name: "Make recovery codes" }).click();
  const codes = page.getByRole("status").getByRole("listitem");
  await expect(codes).toHaveCount(10);
  return codes.allInnerTexts();
}

async function typePassword(page: Page, email: string, password = PASSWORD): Promise<void> {
  await page.goto("/auth/signin");
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
}

async function resetPassword(page: Page, email: string): Promise<void> {
  await page.goto("/auth/forgot");
  await page.getByLabel("Email").fill(email);
  await page.getByRole("button", { name: "Send link" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Check your mail");
  await page.goto(await linkTo(page.request, email, "/auth/reset?"));
  await page.getByLabel("New password").fill(NEW_PASSWORD);
  await page.getByRole("button", { name: "Save password" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Your password has changed");
}

const expectSignedIn = (page: Page) =>
  expect(page.getByRole("link", { name: "Sign out" }).first()).toBeAttached();

test("a passkey is added, signs in without a password, and is renamed and removed", async ({
  page,
  context,
  userEmail,
}) => {
  await addAuthenticator(context, page);
  await addPasskey(page, "My phone");
  await page.request.post("/api/users/signout");

  await page.goto("/auth/signin");
  await page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await expectSignedIn(page);
  await page.goto("/account/passkeys");
  await expect(page.getByRole("main")).toContainText("last used");

  await page.getByText("Rename or remove").click();
  await page.getByLabel("Name", { exact: true }).first().fill("Old phone");
  await page.getByRole("button", { name: "Rename" }).click();
  await expect(page.getByRole("heading", { level: 3 })).toHaveText("Old phone");
  await page.getByText("Rename or remove").click();
  await page.getByRole("button", { name: "Remove this passkey" }).click();
  await expect(page.getByRole("main")).toContainText("You have no passkey yet");
  expect(userEmail).toContain("@");
});

test("the password asks for the passkey as well, where that is chosen", async ({
  page,
  context,
  userEmail,
}) => {
  await addAuthenticator(context, page);
  await addPasskey(page, "My phone");
  await requireSecondStep(page);
  await page.request.post("/api/users/signout");

  await typePassword(page, userEmail);
  await expect(page.getByRole("main")).toContainText("Now confirm with your passkey");
  expect((await page.request.get("/api/users/account")).status()).toBe(401);
  await page.getByRole("button", { name: "Confirm with a passkey" }).click();
  await expectSignedIn(page);
});

for (const javaScriptEnabled of [true, false]) {
  test(`a lost password and a lost phone are replaced by mail and a recovery code, ${javaScriptEnabled ? "with" : "without"} script`, async ({
    page,
    context,
    userEmail,
    browser,
    baseURL,
  }) => {
    await addAuthenticator(context, page);
    await addPasskey(page, "Lost phone");
    const [code = ""] = await requireSecondStep(page);

    const elsewhere = await browser.newContext({ baseURL, javaScriptEnabled });
    const other = await elsewhere.newPage();
    await resetPassword(other, userEmail);
    await typePassword(other, userEmail, NEW_PASSWORD);
    await other.getByLabel("Recovery code").fill("AAAA-AAAA-AAAA-AAAA");
    await other.getByRole("button", { name: "Sign in with the code" }).click();
    await expect(other.getByRole("main")).toContainText("This code is wrong");
    await other.getByLabel("Recovery code").fill(code.toLowerCase());
    await other.getByRole("button", { name: "Sign in with the code" }).click();
    await expectSignedIn(other);
    await other.goto("/account/passkeys");
    await expect(other.getByRole("main")).toContainText("You have 9 codes left");
    await elsewhere.close();
  });
}

test("the removal of the second step is announced by mail, and cancelled by its letter", async ({
  page,
  context,
  userEmail,
  browser,
  baseURL,
}) => {
  await addAuthenticator(context, page);
  await addPasskey(page, "Lost phone");
  await requireSecondStep(page);

  const elsewhere = await browser.newContext({ baseURL });
  const other = await elsewhere.newPage();
  await typePassword(other, userEmail);
  await other.getByText("I have neither a passkey nor a code").click();
  await other.getByRole("button", { name: "Remove the second step in 72 hours" }).click();
  await expect(other.getByRole("main")).toContainText("First choose a new password");

  await resetPassword(other, userEmail);
  await typePassword(other, userEmail, NEW_PASSWORD);
  await other.getByText("I have neither a passkey nor a code").click();
  await other.getByRole("button", { name: "Remove the second step in 72 hours" }).click();
  await expect(other.getByRole("heading", { level: 1 })).toHaveText(
    "The second step will be removed",
  );

  await other.goto(await linkTo(other.request, userEmail, "/auth/keep-second-step?"));
  await other.getByRole("button", { name: "Keep the second step" }).click();
  await expect(other.getByRole("heading", { level: 1 })).toHaveText("The second step stays");
  await elsewhere.close();
});

test("a session shows an announced removal and cancels it", async ({
  page,
  context,
  browser,
  baseURL,
}) => {
  const email = await signUp(page.request);
  await addAuthenticator(context, page);
  await addPasskey(page, "My phone");
  await requireSecondStep(page);
  const elsewhere = await browser.newContext({ baseURL });
  const other = await elsewhere.newPage();
  await resetPassword(other, email);
  await typePassword(other, email, NEW_PASSWORD);
  await other.getByText("I have neither a passkey nor a code").click();
  await other.getByRole("button", { name: "Remove the second step in 72 hours" }).click();
  await expect(other.getByRole("heading", { level: 1 })).toContainText("will be removed");
  await elsewhere.close();

  await typePassword(page, email, NEW_PASSWORD);
  await page.getByRole("button", { name: "Confirm with a passkey" }).click();
  await expectSignedIn(page);
  await page.goto("/account/passkeys");
  await page.getByRole("button", { name: "Keep the second step" }).click();
  await expect(page.getByRole("main")).toContainText("Your change is saved");
  await expect(page.getByRole("button", { name: "Keep the second step" })).toHaveCount(0);
});
