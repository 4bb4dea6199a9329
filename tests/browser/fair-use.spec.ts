import type { Page } from "@playwright/test";
import { expect, reserve, type Seller, test } from "./fixtures.ts";

const alert = (page: Page) => page.getByRole("main").getByRole("alert");

/** Reserves a ticket and cancels, so often that the next reservation has to wait. */
async function reserveRepeatedly(page: Page, seller: Seller): Promise<string> {
  const ticket = await seller.list("Cannot decide");
  for (let times = 0; times < 2; times += 1) {
    const order = await reserve(page.request, ticket);
    await page.request.delete(`/api/orders/${order.id}`);
  }
  return ticket.id;
}

/** Reserves as many tickets as a buyer may leave unpaid, and returns one that is still free. */
async function reserveUpToTheLimit(page: Page, seller: Seller): Promise<string> {
  for (let count = 0; count < 4; count += 1) {
    await reserve(page.request, await seller.list("One of many"));
  }
  return (await seller.list("One too many")).id;
}

test("a changed price is shown, and nothing is reserved until the buyer agrees", async ({
  signedInPage: page,
  seller,
  newUser,
}) => {
  const ticket = await seller.list("Becomes expensive", 42.5);
  await page.route("**/api/tickets/events", (route) => route.abort()); // the page is out of date
  await page.goto(`/tickets/${ticket.id}`);
  const edit = { data: { title: ticket.title, price: 1_250 } };
  expect((await seller.request.put(`/api/tickets/${ticket.id}`, edit)).status()).toBe(200);
  const other = await newUser();
  await expect(async () => {
    const data = { ticketId: ticket.id, price: 1 };
    const refused = await other.request.post("/api/orders", { data });
    expect(await refused.text()).toContain("1250.00"); // orders has received the edit
  }).toPass();

  await page.getByRole("button", { name: "Reserve and pay" }).click();
  await expect(alert(page)).toContainText("it is now $1,250.00");
  await expect(page.getByRole("article")).toContainText("$1,250.00");
  expect(await (await page.request.get("/api/orders")).json()).toEqual([]);

  await page.getByRole("button", { name: "Reserve and pay" }).click();
  await expect(page.getByRole("heading", { name: "Pay for your ticket" })).toBeVisible();
  await expect(page.getByRole("main")).toContainText("$1,250.00");
});

test("a changed seat is pointed out, and nothing is reserved until the buyer agrees", async ({
  signedInPage: page,
  seller,
  newUser,
}) => {
  const ticket = await seller.list("Moves back", 42.5, undefined, { seat: { row: "1" } });
  await page.route("**/api/tickets/events", (route) => route.abort()); // the page is out of date
  await page.goto(`/tickets/${ticket.id}`);
  const edit = { data: { title: ticket.title, price: 42.5, seat: { row: "30" } } };
  expect((await seller.request.put(`/api/tickets/${ticket.id}`, edit)).status()).toBe(200);
  const other = await newUser();
  await expect(async () => {
    const data = { ticketId: ticket.id, seat: null };
    const refused = await other.request.post("/api/orders", { data });
    expect(await refused.text()).toContain("row 30"); // orders has received the edit
  }).toPass();

  await page.getByRole("button", { name: "Reserve and pay" }).click();
  await expect(alert(page)).toContainText("The seat has just changed.");
  await expect(page.getByRole("article")).toContainText("30");
  expect(await (await page.request.get("/api/orders")).json()).toEqual([]);

  await page.getByRole("button", { name: "Reserve and pay" }).click();
  await expect(page.getByRole("heading", { name: "Pay for your ticket" })).toBeVisible();
});

test("a buyer with too many unpaid orders is asked to pay or cancel", async ({
  signedInPage: page,
  seller,
}) => {
  await page.goto(`/tickets/${await reserveUpToTheLimit(page, seller)}`);
  await page.getByRole("button", { name: "Reserve and pay" }).click();
  await expect(alert(page)).toContainText("Pay for one or cancel one, or try again in a minute.");
});

test("a buyer who reserves a ticket repeatedly without paying sees how long to wait", async ({
  signedInPage: page,
  seller,
}) => {
  await page.goto(`/tickets/${await reserveRepeatedly(page, seller)}`);
  await page.getByRole("button", { name: "Reserve and pay" }).click();
  await expect(alert(page)).toContainText("You can reserve it again in a minute.");
});

test.describe("in German", () => {
  test.use({ locale: "de-DE" });

  test("a buyer with too many unpaid orders reads why in German", async ({
    signedInPage: page,
    seller,
  }) => {
    await page.goto(`/tickets/${await reserveUpToTheLimit(page, seller)}`);
    await page.getByRole("button", { name: "Reservieren und zahlen" }).click();
    await expect(alert(page)).toContainText("Du hast zu viele unbezahlte Bestellungen.");
  });

  test("a buyer who reserves a ticket repeatedly reads the wait in German", async ({
    signedInPage: page,
    seller,
  }) => {
    await page.goto(`/tickets/${await reserveRepeatedly(page, seller)}`);
    await page.getByRole("button", { name: "Reservieren und zahlen" }).click();
    await expect(alert(page)).toContainText("In einer Minute kannst du es wieder reservieren.");
  });
});
