import { type Page } from "@playwright/test";
import { expect, newEmail, PASSWORD, signUp, test } from "./fixtures.ts";

test.use({ javaScriptEnabled: false });

const alert = (page: Page) => page.getByRole("main").getByRole("alert");

async function fillCredentials(page: Page, email: string, password: string): Promise<void> {
  await page.getByLabel("Email").fill(email);
  await page.getByLabel("Password", { exact: true }).fill(password);
}

test("an account is created and a ticket listed without script, and no URL has a credential", async ({
  page,
}) => {
  const email = newEmail();
  const urls: string[] = [];
  page.on("request", (request) => urls.push(decodeURIComponent(request.url())));
  await page.goto("/auth/signup?next=%2Ftickets%2Fnew");
  await fillCredentials(page, email, "short");
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(alert(page)).toContainText("needs 6 to 128 characters");
  await expect(page.getByLabel("Email")).toHaveValue(email);
  await expect(page.getByLabel("Password", { exact: true })).toHaveValue("");

  await fillCredentials(page, email, PASSWORD);
  await page.getByRole("button", { name: "Create account" }).click();
  await expect(page).toHaveURL("/tickets/new");
  await page.getByLabel("What is it a ticket for?").fill("Käthe’s & Jörg’s seat");
  await page.getByLabel("Price").fill("cheap");
  await page.getByRole("button", { name: "List ticket" }).click();
  await expect(alert(page)).toContainText("Enter a number");
  await page.getByLabel("Price").fill("19,90");
  await page.getByRole("button", { name: "List ticket" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Käthe’s & Jörg’s seat");
  await expect(page.getByRole("article")).toContainText("$19.90");

  await page.getByLabel("Price").fill("24");
  await page.getByRole("button", { name: "Save changes" }).click();
  await expect(page.getByRole("article")).toContainText("$24.00");
  expect(urls.filter((url) => url.includes(email) || url.includes(PASSWORD))).toEqual([]);
});

test("a session begins and ends without script", async ({ page, request }) => {
  const email = await signUp(request);
  await page.goto("/auth/signin");
  await fillCredentials(page, email, "wrong password");
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(alert(page)).toHaveText("Email or password is wrong.");
  await expect(page.getByLabel("Email")).toHaveValue(email);

  await fillCredentials(page, email, PASSWORD);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByRole("link", { name: "Sign out" }).click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await expect(page.getByRole("link", { name: "Sign in" })).toBeVisible();
});

test("a form on a page of another site signs nobody in", async ({
  request,
  playwright,
  baseURL,
}) => {
  const email = await signUp(request);
  const visitor = await playwright.request.newContext({ baseURL });
  const response = await visitor.post("/auth/signin/form", {
    form: { email, password: PASSWORD },
    headers: { "sec-fetch-site": "cross-site", origin: "https://elsewhere.example" },
  });
  expect(response.url()).toContain("/auth/signin?problem=");
  expect((await visitor.storageState()).cookies.map(({ name }) => name)).not.toContain("session");
  await visitor.dispose();
});
