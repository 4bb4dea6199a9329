import { type APIRequestContext, devices, type Page } from "@playwright/test";
import { expectAccessible } from "./accessibility.ts";
import { collectConsoleErrors } from "./console-errors.ts";
import { expect, pay, reserve, Seller, signUp, test, type Ticket } from "./fixtures.ts";
import { buy, listInVault } from "./originals.ts";
import { newCode, readCodes, ticketPdf, ticketPng, type TicketFile } from "./ticket-files.ts";

const { defaultBrowserType: _, ...PHONE } = devices["Pixel 7"];

test.use(PHONE);

const code = (page: Page) => page.locator("[data-code]");
const heading = (page: Page) => page.getByRole("heading", { level: 1 });

/** The requests by which anybody could try to get the code of a ticket. */
function attempts(request: APIRequestContext, { id }: Ticket) {
  const path = `/api/tickets/${id}/pass`;
  return Promise.all([
    request.post(`${path}/reveal`),
    request.get(`${path}/file`),
    request.get(`${path}/qr.svg`),
  ]);
}

/** Checks that no code leaves, and that not a byte of a file or drawing is in what does. */
async function expectRefused(who: string, request: APIRequestContext, ticket: Ticket) {
  for (const response of await attempts(request, ticket)) {
    expect([401, 404, 409, 410], `${who}: ${response.url()}`).toContain(response.status());
    expect(response.headers()["content-type"], who).toContain("json");
  }
}

async function open(page: Page, ticket: Ticket): Promise<void> {
  await page.goto(`/pass/${ticket.id}`);
  await page.getByRole("button", { name: "Open the ticket" }).click();
  await expect(code(page).first()).toBeVisible();
}

test("a seller uploads a PDF, a buyer shows its code at full size, offline, and nobody else gets it", async ({
  signedInPage: page,
  context,
  newUser,
  playwright,
  baseURL,
}) => {
  test.slow();
  const consoleErrors = collectConsoleErrors(page);
  const payload = newCode();
  const sellers = await newUser();
  const others = await newUser();
  const stranger = await playwright.request.newContext({ baseURL });
  const everybodyElse = async (ticket: Ticket) => {
    await expectRefused("the seller", sellers.request, ticket);
    await expectRefused("another user", others.request, ticket);
    await expectRefused("a stranger", stranger, ticket);
  };

  const seller = new Seller(sellers.request);
  const more = { showId: (await seller.addShow()).id, seat: { row: "4", seat: "12" } };
  const ticket = await seller.list("From a PDF", 42.5, undefined, more);
  const sellerPage = await sellers.newPage();
  await sellerPage.goto(`/tickets/${ticket.id}`);
  await expect(sellerPage.getByText("Described by its seller")).toBeVisible();
  await sellerPage.locator("[data-file]").setInputFiles(ticketPdf(payload));
  await sellerPage.getByRole("button", { name: "Put it into the vault" }).click();
  await expect(sellerPage.getByText("Your ticket is in the vault now.")).toBeVisible();
  await expect(sellerPage.getByText("We found one code in the file (QR).")).toBeVisible();
  await expectAccessible(sellerPage);
  await everybodyElse(ticket);

  await page.goto(`/tickets/${ticket.id}`);
  await expect(page.getByText("In the vault", { exact: true })).toBeVisible();
  const order = await reserve(page.request, ticket);
  await everybodyElse(ticket);
  await expectRefused("the buyer before paying", page.request, ticket);
  await pay(page.request, order);
  await page.goto(`/orders/${order.id}`);
  await page.getByRole("link", { name: "Get your ticket" }).click();
  await expect(heading(page)).toHaveText("Your ticket is in the vault");
  await expectAccessible(page);
  await everybodyElse(ticket);
  const early = await page.request.get(`/api/tickets/${ticket.id}/pass/qr.svg`);
  expect(early.status()).toBe(409); // no byte before the reveal

  await page.getByRole("button", { name: "Open the ticket" }).click();
  await expect(page.getByText("Saved on this device until you sign out.")).toBeVisible();
  await expect(code(page)).toBeInViewport({ ratio: 1 });
  expect((await code(page).boundingBox())!.width).toBeGreaterThan(300);
  expect(readCodes(await code(page).screenshot())).toBe(payload);
  await expectAccessible(page);
  await everybodyElse(ticket);
  expect(consoleErrors).toEqual([]);

  await context.setOffline(true);
  await page.reload();
  await expect(heading(page)).toHaveText(ticket.title);
  const sheet = page.locator(".sheet");
  await expect(sheet).toBeInViewport({ ratio: 1 });
  expect(readCodes(await sheet.screenshot())).toBe(payload);
  await expect(page.getByText("Schaubühne, Berlin")).toBeVisible();
  await context.setOffline(false);
  await stranger.dispose();
});

test("signing out removes the offline copy, and so does the next user", async ({
  signedInPage: page,
  context,
  seller,
}) => {
  const ticket = await listInVault(seller, newCode());
  await buy(page.request, ticket);
  await open(page, ticket);
  await expect(page.getByText("Saved on this device until you sign out.")).toBeVisible();
  await page.getByRole("button", { name: "Menu" }).click();
  await page.getByRole("link", { name: "Sign out" }).click();
  await expect(page.getByRole("heading", { name: /You can/ })).toBeVisible();
  await expectNoCopy(page, ticket);

  await signUp(page.request);
  const another = await listInVault(seller, newCode());
  await buy(page.request, another);
  await open(page, another);
  await expect(page.getByText("Saved on this device until you sign out.")).toBeVisible();
  await signUp(page.request); // the next user, without a sign-out
  await page.goto("/");
  await expectNoCopy(page, another);
  await context.setOffline(false);
});

test("the session that ended elsewhere loses its copy at the next contact", async ({
  signedInPage: page,
  seller,
}) => {
  const ticket = await listInVault(seller, newCode());
  await buy(page.request, ticket);
  await open(page, ticket);
  await expect(page.getByText("Saved on this device until you sign out.")).toBeVisible();
  const { cookies } = await page.context().storageState();
  const elsewhere = await page.context().browser()!.newContext();
  await elsewhere.addCookies(cookies);
  const ended = await elsewhere.request.delete(new URL("/api/users/sessions", page.url()).href);
  expect(ended.status()).toBe(204);
  await elsewhere.close();
  await page.goto(`/pass/${ticket.id}`);
  await expect(page).toHaveURL(/\/auth\/signin/);
  await expectNoCopy(page, ticket);
});

test("an opened ticket that is listed again says so, and leaves its old buyer when it is sold", async ({
  signedInPage: page,
  newUser,
  seller,
}) => {
  const ticket = await listInVault(seller, newCode());
  await buy(page.request, ticket);
  await open(page, ticket);
  await page.getByRole("link", { name: "List it again" }).click();
  await expect(page.getByRole("alert").getByText("You have opened this ticket.")).toBeVisible();
  await expectAccessible(page);
  await page.getByLabel("Price").fill("45");
  await page.getByRole("button", { name: "List it again" }).click();
  await expect(page).toHaveURL(/\/tickets\/[0-9a-f]{24}$/);
  await expect(page.getByText("In the vault, opened before")).toBeVisible();

  const id = page.url().split("/").at(-1)!;
  const next = await newUser();
  await buy(next.request, { id, title: ticket.title });
  expect((await next.request.post(`/api/tickets/${id}/pass/reveal`)).status()).toBe(200);
  await page.goto(`/pass/${ticket.id}`);
  await expect(heading(page)).toHaveText("It’s no longer yours");
  await expectRefused("the old buyer", page.request, ticket);
  await expectRefused("the old buyer, by the new listing", page.request, { id, title: "" });
});

test("a file that cannot be a ticket is refused in plain words", async ({ signedInPage: page }) => {
  const ticket = await new Seller(page.request).list("Refused files");
  await page.goto(`/tickets/${ticket.id}`);
  const choose = (file: TicketFile) => page.locator("[data-file]").setInputFiles(file);
  const alert = page.getByRole("main").getByRole("alert");
  await choose({ name: "a.html", mimeType: "text/html", buffer: Buffer.from("<p>") });
  await expect(alert).toHaveText("Choose a PDF, a PNG or a JPEG.");
  await choose({ name: "a.pdf", mimeType: "application/pdf", buffer: Buffer.from("<p>") });
  await page.getByRole("button", { name: "Put it into the vault" }).click();
  await expect(alert).toHaveText(/^This file isn’t what its name says|^We can’t read this file/);
  await page.getByRole("button", { name: "Choose another file" }).click();
  await choose(ticketPng());
  await expect(page.getByRole("img", { name: "Preview of ticket.png" })).toBeVisible();
  await page.getByRole("button", { name: "Put it into the vault" }).click();
  await expect(page.getByText("We found no code in the file").first()).toBeVisible();
});

async function expectNoCopy(page: Page, { id, title }: Ticket): Promise<void> {
  const databases = () =>
    page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name));
  await expect.poll(databases).not.toContain("passes");
  await page.context().setOffline(true);
  await page.goto(`/pass/${id}`).catch(() => undefined);
  await expect(page.getByText(title)).toHaveCount(0);
  await page.context().setOffline(false);
}
