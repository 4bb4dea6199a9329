import type { Page } from "@playwright/test";
import { expectAccessible } from "./accessibility.ts";
import { expect, reserve, Seller, test } from "./fixtures.ts";
import { localStripe } from "./local-stripe.ts";
import { buyAndWait, offerRefund, reloadUntil } from "./sales.ts";

const arrived = (page: Page) => page.getByRole("button", { name: "It arrived" });

for (const javaScriptEnabled of [true, false]) {
  test.describe(`${javaScriptEnabled ? "with" : "without"} script`, () => {
    test.use({ javaScriptEnabled });

    test("a buyer says that a ticket without a show arrived", async ({
      signedInPage: page,
      seller,
    }) => {
      const order = await buyAndWait(page.request, await seller.list("Bought"));
      await page.goto(`/orders/${order.id}`);
      if (javaScriptEnabled) await expectAccessible(page);
      await arrived(page).click();
      await expect(page).toHaveURL(`/orders/${order.id}`);
      await expect(page.getByRole("article", { name: "Receipt" })).toContainText("Arrived");
      await expect(arrived(page)).toHaveCount(0);
    });

    test("a seller offers a refund, its buyer accepts it, and both see what becomes of it", async ({
      signedInPage: page,
      newUser,
    }) => {
      const buyer = await (await newUser()).newPage();
      const ticket = await new Seller(page.request).list("Offered back", 50);
      const { id } = await buyAndWait(buyer.request, ticket);
      await reloadUntil(page, "/account/earnings", "Offer a refund");
      await page.getByText("Offer a refund").click();
      if (javaScriptEnabled) await expectAccessible(page);
      await page.getByRole("button", { name: "Offer the refund" }).click();
      await expect(page.getByText("Your buyer sees the offer")).toBeVisible();
      await reloadUntil(page, "/account/earnings", "Refund offered on");
      await expect(page.getByText("Offer a refund")).toHaveCount(0);

      await buyer.goto(`/orders/${id}`);
      await expect(buyer.getByText("The seller offers you the money back")).toBeVisible();
      await expect(buyer.getByRole("main")).toContainText("$50.00 goes back to your card");
      if (javaScriptEnabled) await expectAccessible(buyer);
      await buyer.getByRole("button", { name: "Accept the refund" }).click();
      await expect(buyer.getByRole("heading", { level: 1 })).toHaveText(/money back$/);
      await reloadUntil(buyer, `/orders/${id}`, "You got your money back");
      if (javaScriptEnabled) await expectAccessible(buyer);
      await reloadUntil(buyer, "/orders", "Refunded");
      await reloadUntil(page, "/account/earnings", "The money went back to its buyer");
    });
  });
}

test.describe("in German on a narrow phone", () => {
  test.use({ locale: "de-DE", viewport: { width: 320, height: 640 } });

  test("an offer of a refund is readable on the pages of buyer and seller", async ({
    signedInPage: page,
    newUser,
  }) => {
    const buyer = await (await newUser()).newPage();
    const ticket = await new Seller(page.request).list("Zurückgegeben");
    const order = await buyAndWait(buyer.request, ticket);
    await offerRefund(page.request, order);
    await buyer.goto(`/orders/${order.id}`);
    await expect(buyer.getByRole("button", { name: "Rückzahlung annehmen" })).toBeVisible();
    await reloadUntil(page, "/account/earnings", "Rückzahlung angeboten am");
    for (const shown of [buyer, page]) {
      const overflow = () =>
        document.documentElement.scrollWidth - document.documentElement.clientWidth;
      expect(await shown.evaluate(overflow)).toBe(0);
      await expectAccessible(shown);
    }
  });
});

test("buyer and seller see what the buyer's bank does about a payment", async ({
  signedInPage: page,
  newUser,
}) => {
  const buyer = await (await newUser()).newPage();
  const ticket = await new Seller(page.request).list("Disputed", 50);
  const { id } = await buyAndWait(buyer.request, ticket);
  const response = await buyer.request.get(`/api/payments?orderId=${id}`);
  const { stripeId } = (await response.json()) as { stripeId: string };

  const dispute = await localStripe.openDispute(stripeId);
  await reloadUntil(buyer, `/orders/${id}`, "Your bank is checking the payment");
  await expectAccessible(buyer);
  await reloadUntil(page, "/account/earnings", "its buyer has asked their bank for the money back");

  await localStripe.loseDispute(dispute.id);
  await reloadUntil(buyer, `/orders/${id}`, "Your bank took the payment back");
  await expectAccessible(buyer);
  await reloadUntil(page, "/account/earnings", "The money went back to its buyer");
});

test("a buyer is not asked whether the ticket of a show arrived", async ({
  signedInPage: page,
  seller,
}) => {
  const more = { showId: (await seller.addShow()).id };
  const ticket = await seller.list("Of a show", 50, undefined, more);
  const order = await buyAndWait(page.request, ticket);
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
