import { expectAccessible } from "./accessibility.ts";
import { expect, newEmail, PASSWORD, signUp, test } from "./fixtures.ts";
import { linkTo, subjectTo } from "./mail.ts";

const NEW_PASSWORD = "a horse of another colour";

for (const javaScriptEnabled of [true, false]) {
  test.describe(`${javaScriptEnabled ? "with" : "without"} script`, () => {
    test.use({ javaScriptEnabled });

    test("a forgotten password is replaced by the link in the mail, once", async ({
      page,
      playwright,
      baseURL,
    }) => {
      const request = await playwright.request.newContext({ baseURL });
      const email = await signUp(request);
      await page.goto("/auth/signin");
      await page.getByRole("link", { name: "Forgot your password?" }).click();
      await expect(page).toHaveURL("/auth/forgot"); // the sign-in page has an Email field too
      await page.getByLabel("Email").fill(email);
      await page.getByRole("button", { name: "Send link" }).click();
      await expect(page.getByRole("heading", { level: 1 })).toHaveText("Check your mail");

      const link = await linkTo(request, email, "/auth/reset?");
      const response = await page.goto(link);
      expect(response?.headers()["referrer-policy"]).toBe("strict-origin");
      await page.getByLabel("New password").fill("password1");
      await page.getByRole("button", { name: "Save password" }).click();
      await expect(page.getByRole("main")).toContainText("one of the most used passwords");
      await page.getByLabel("New password").fill(NEW_PASSWORD);
      await page.getByRole("button", { name: "Save password" }).click();
      await expect(page.getByRole("heading", { level: 1 })).toHaveText("Your password has changed");
      await expect(page).not.toHaveURL(/token/);

      await page.goto(link);
      await page.getByLabel("New password").fill(PASSWORD);
      await page.getByRole("button", { name: "Save password" }).click();
      await expect(page.getByRole("main")).toContainText("This link no longer works");

      await page.goto("/auth/signin");
      await page.getByLabel("Email").fill(email);
      await page.getByLabel("Password", { exact: true }).fill(NEW_PASSWORD);
      await page.getByRole("button", { name: "Sign in", exact: true }).click();
      await expect(page.getByRole("link", { name: "Sign out" }).first()).toBeAttached();
      await request.dispose();
    });
  });
}

test("an address is confirmed by a button, and an unknown one gets the same response", async ({
  page,
  userEmail,
}) => {
  await page.goto(await linkTo(page.request, userEmail, "/auth/verify?"));
  await page.getByRole("button", { name: "Confirm address" }).click();
  await page.getByRole("link", { name: "Go to your account" }).click();
  await expect(page.getByRole("main")).toContainText("Confirmed");
  await page.getByRole("link", { name: "Messages to you" }).click();
  await expect(
    page.getByRole("listitem").filter({ hasText: "confirm your address" }),
  ).toBeVisible();

  await page.goto("/auth/forgot");
  await page.getByLabel("Email").fill(newEmail());
  await page.getByRole("button", { name: "Send link" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Check your mail");
});

for (const javaScriptEnabled of [true, false]) {
  test.describe(`${javaScriptEnabled ? "with" : "without"} script`, () => {
    test.use({ javaScriptEnabled });

    test("a new message is marked in the menu of every page until it is read", async ({
      page,
      userEmail,
    }) => {
      const mark = page.getByRole("navigation").getByText("1 new message").first();
      expect(await linkTo(page.request, userEmail, "/auth/verify?")).toBeTruthy();
      await page.goto("/");
      await expect(mark).toBeAttached();

      await page.goto("/account/notices");
      await page.getByRole("button", { name: "Mark all as read" }).click();
      await expect(page.getByRole("button", { name: "Mark all as read" })).toBeHidden();
      await expect(mark).not.toBeAttached();
    });

    test("a password and an address are changed, and letters say so", async ({
      page,
      userEmail,
    }) => {
      await page.goto("/account/password");
      await page.getByLabel("Present password").fill(PASSWORD);
      await page.getByLabel("New password").fill(`${userEmail}1`);
      await page.getByRole("button", { name: "Save password" }).click();
      await expect(page.getByRole("main")).toContainText("isn’t made of your email address");
      await page.getByLabel("Present password").fill(PASSWORD);
      await page.getByLabel("New password").fill(NEW_PASSWORD);
      await page.getByRole("button", { name: "Save password" }).click();
      await expect(page.getByRole("main")).toContainText("Your password is changed");

      const address = newEmail();
      await page.goto("/account/email");
      await page.getByLabel("New address").fill(address);
      await page.getByLabel("Your password").fill(NEW_PASSWORD);
      await page.getByRole("button", { name: "Send link" }).click();
      await expect(page.getByRole("main")).toContainText("Your address changes then");
      await page.goto(await linkTo(page.request, address, "/auth/verify?"));
      await page.getByRole("button", { name: "Confirm address" }).click();
      await page.getByRole("link", { name: "Go to your account" }).click();
      await expect(page.getByRole("main")).toContainText(address);
      expect(await linkTo(page.request, userEmail, "/contact")).toBeTruthy();
    });
  });
}

test("the strength of a new password is shown while it is typed", async ({ page }) => {
  await page.goto("/auth/signup");
  const password = page.getByLabel("Password", { exact: true });
  await password.fill("dragon");
  await expect(page.getByRole("status").filter({ hasText: "Very easy to guess" })).toBeVisible();
  await password.fill("wandering 7 lanterns cheerfully");
  await expect(page.getByRole("status").filter({ hasText: "Very good" })).toBeVisible();
  await expectAccessible(page);
});

test.describe("in German", () => {
  test.use({ locale: "de-DE" });

  test("letters are written in the language of the page", async ({ page }) => {
    const email = newEmail();
    await page.goto("/auth/signup");
    await page.getByLabel("E-Mail").fill(email);
    await page.getByLabel("Passwort", { exact: true }).fill(PASSWORD);
    await page.getByRole("button", { name: "Konto anlegen" }).click();
    await expect(page.getByRole("link", { name: "Konto" }).first()).toBeAttached();

    await page.goto(await linkTo(page.request, email, "/auth/verify?"));
    expect(await subjectTo(page.request, email)).toBe("Bestätige deine E-Mail-Adresse");
    await page.getByRole("button", { name: "Adresse bestätigen" }).click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Deine Adresse ist bestätigt");
  });
});
