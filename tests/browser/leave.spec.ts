import { readFile } from "node:fs/promises";
import { expect, PASSWORD, signUp, test } from "./fixtures.ts";
import { subjectTo } from "./mail.ts";

/** How long a deletion may take on a slow machine. It waits ten seconds for what could stop it. */
const DELETION_TIMEOUT_MS = 90_000;

for (const javaScriptEnabled of [true, false]) {
  test.describe(`${javaScriptEnabled ? "with" : "without"} script`, () => {
    test.use({ javaScriptEnabled });

    test("a person sees what is lost, may stay, and leaves", async ({ page, userEmail }) => {
      await page.goto("/account");
      await page.getByRole("link", { name: "Export or delete" }).click();
      await page.getByRole("link", { name: "See what is deleted" }).click();
      await expect(page.getByRole("heading", { level: 1 })).toHaveText("Delete your account?");
      await expect(page.getByRole("main")).toContainText(userEmail);
      await expect(page.getByRole("main")).toContainText("This cannot be undone");
      await page.getByRole("link", { name: "Keep my account" }).click();
      await expect(page).toHaveURL("/account");
      expect((await page.request.get("/api/users/account")).status()).toBe(200);

      await page.goto("/account/leave/confirm");
      await page.getByRole("button", { name: "Delete my account" }).click();
      await expect(page.getByRole("heading", { level: 1 })).toHaveText(
        "Your account is being deleted",
      );
      expect((await page.request.get("/api/users/account")).status()).toBe(401);
      await page.goto("/account/leave/confirm");
      await expect(page).toHaveURL("/auth/signin?next=%2Faccount%2Fleave%2Fconfirm");
    });

    test("the export is one file with what every service has of a person", async ({
      page,
      userEmail,
    }) => {
      await page.goto("/account/leave");
      const download = page.waitForEvent("download");
      await page.getByRole("link", { name: "Download your data" }).click();
      const file = await download;

      expect(file.suggestedFilename()).toBe("ticketing-account.json");
      const exported = JSON.parse(await readFile(await file.path(), "utf-8")) as {
        users: { account: { email: string }[] };
      };
      expect(Object.keys(exported)).toEqual(["users", "tickets", "orders", "payments"]);
      expect(exported.users.account[0]?.email).toBe(userEmail);
    });
  });
}

test("a person who left is gone, and so is what was for sale", async ({
  page,
  seller,
  playwright,
  baseURL,
}) => {
  test.slow();
  const request = await playwright.request.newContext({ baseURL });
  const email = await signUp(page.request);
  const listed = await page.request.post("/api/tickets", {
    data: { title: "Of a person who leaves", price: 20 },
  });
  const { id } = (await listed.json()) as { id: string };
  await page.goto("/account/leave/confirm");
  await page.getByRole("button", { name: "Delete my account" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toContainText("is being deleted");

  const last = () => subjectTo(request, email);
  await expect.poll(last, { timeout: DELETION_TIMEOUT_MS }).toBe("Your account was deleted");
  await expect(async () => {
    const data = { email, password: PASSWORD };
    expect((await request.post("/api/users/signup", { data })).status()).toBe(201);
  }).toPass({ timeout: DELETION_TIMEOUT_MS, intervals: [2_000] });
  const ticket = await seller.request.get(`/api/tickets/${id}`);
  expect(((await ticket.json()) as { withdrawn?: boolean }).withdrawn).toBe(true);
  await request.dispose();
});
