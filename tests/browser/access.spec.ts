import { ClientOnFakeApi, ID } from "./client-on-fake-api.ts";
import { expect, PASSWORD, signUp, test } from "./fixtures.ts";

for (const javaScriptEnabled of [true, false]) {
  test.describe(`${javaScriptEnabled ? "with" : "without"} script`, () => {
    test.use({ javaScriptEnabled });

    test("the password is asked for again, and leads back to the page that needed it", async ({
      page,
    }) => {
      const email = await signUp(page.request);
      await page.goto("/auth/confirm?next=%2Faccount%2Femail");
      await expect(page.getByRole("main")).toContainText(email);
      await page.getByLabel("Password", { exact: true }).fill("not the password");
      await page.getByRole("button", { name: "Continue" }).click();
      await expect(page.getByText("This isn’t your password.")).toBeVisible();
      await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
      await page.getByRole("button", { name: "Continue" }).click();
      await expect(page).toHaveURL("/account/email");

      await page.context().clearCookies();
      await page.goto("/auth/confirm?next=%2Faccount%2Femail");
      await expect(page).toHaveURL("/auth/signin?next=%2Faccount%2Femail");
    });
  });
}

test.describe("a suspended account", () => {
  test.skip(!process.env.TICKETING_HOME, "needs the client's production build");
  let client: ClientOnFakeApi;

  test.beforeAll(async () => {
    client = await ClientOnFakeApi.start();
  });
  test.afterAll(() => client.stop());

  test("sees since when it is suspended and why", async ({ page, context }) => {
    await client.signIn(page, context);
    client.responses["/api/users/sessions"] = [];
    client.responses["/api/users/notices"] = { notices: [], unread: 0 };
    client.responses["/api/users/account"] = {
      id: ID,
      email: "a@example.com",
      verified: true,
      createdAt: "2030-01-01T12:00:00Z",
      suspended: {
        at: "2030-01-02T12:00:00Z",
        reason: "You sold a ticket twice.",
      },
    };
    await page.goto(`${client.address}/account`);
    const alert = page.getByRole("main").getByRole("alert");
    await expect(alert).toContainText("Your account is suspended");
    await expect(alert).toContainText("2030");
    await expect(alert).toContainText("The reason: You sold a ticket twice.");
  });
});
