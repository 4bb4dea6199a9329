import type { APIRequestContext, Page } from "@playwright/test";
import { expectAccessible } from "./accessibility.ts";
import { type Order, expect, pay, reserve, type Seller, test } from "./fixtures.ts";

/** Buys a ticket through the API and returns its order once it is paid. */
async function buy(request: APIRequestContext, seller: Seller, more: object = {}): Promise<Order> {
  const order = await reserve(request, await seller.list("Bought", 50, undefined, more));
  await pay(request, order);
  await expect(async () => {
    const response = await request.get(`/api/orders/${order.id}`);
    expect(await response.json()).toMatchObject({ status: "complete" });
  }).toPass({ timeout: 30_000 });
  return order;
}

const arrived = (page: Page) => page.getByRole("button", { name: "It arrived" });

for (const javaScriptEnabled of [true, false]) {
  test.describe(`${javaScriptEnabled ? "with" : "without"} script`, () => {
    test.use({ javaScriptEnabled });

    test("a buyer says that a ticket without a show arrived", async ({
      signedInPage: page,
      seller,
    }) => {
      const order = await buy(page.request, seller);
      await page.goto(`/orders/${order.id}`);
      if (javaScriptEnabled) await expectAccessible(page);
      await arrived(page).click();
      await expect(page).toHaveURL(`/orders/${order.id}`);
      await expect(page.getByRole("article", { name: "Receipt" })).toContainText("Arrived");
      await expect(arrived(page)).toHaveCount(0);
    });
  });
}

test("a buyer is not asked whether the ticket of a show arrived", async ({
  signedInPage: page,
  seller,
}) => {
  const order = await buy(page.request, seller, { showId: (await seller.addShow()).id });
  await page.goto(`/orders/${order.id}`);
  await expect(page.getByRole("article", { name: "Receipt" })).toBeVisible();
  await expect(arrived(page)).toHaveCount(0);
});

test("what is refused is explained on the page of the order", async ({
  signedInPage: page,
  seller,
}) => {
  const order = await reserve(page.request, await seller.list("Unpaid"));
  await page.goto(`/orders/${order.id}`);
  await page.evaluate((action) => {
    const form = document.createElement("form");
    Object.assign(form, { method: "post", action });
    document.body.append(form);
    form.submit();
  }, `/orders/${order.id}/received/form`);
  await expect(page.getByText("This order isn’t paid.")).toBeVisible();
});
