import { expect, newEmail, PASSWORD, signUp, test } from "./fixtures.ts";
import { linkTo } from "./mail.ts";

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
      await page.getByRole("button", { name: "Sign in" }).click();
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
