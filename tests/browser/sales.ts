import type { APIRequestContext, Page } from "@playwright/test";
import { expect, type Order, pay, reserve, type Ticket } from "./fixtures.ts";

/** Buys a ticket through the API, and waits until its order is paid. */
export async function buyAndWait(request: APIRequestContext, ticket: Ticket): Promise<Order> {
  const order = await reserve(request, ticket);
  await pay(request, order);
  await expect(async () => {
    const response = await request.get(`/api/orders/${order.id}`);
    expect(await response.json()).toMatchObject({ status: "complete" });
  }).toPass({ timeout: 30_000 });
  return order;
}

/** Offers the buyer of a ticket the money back. */
export async function offerRefund(seller: APIRequestContext, order: Order): Promise<void> {
  const response = await seller.post(`/api/orders/${order.id}/refund-offer`);
  expect(response.status(), await response.text()).toBe(200);
}

/** Reloads a page until it has a text: services receive later what happened elsewhere. */
export async function reloadUntil(page: Page, path: string, text: string): Promise<void> {
  await expect(async () => {
    await page.goto(path);
    await expect(page.getByRole("main")).toContainText(text, { timeout: 1_000 });
  }).toPass({ timeout: 60_000 });
}
