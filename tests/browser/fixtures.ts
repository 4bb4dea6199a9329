import {
  type APIRequestContext,
  type BrowserContext,
  expect,
  type Page,
  test as base,
} from "@playwright/test";
import { randomUUID } from "node:crypto";

export interface Ticket {
  id: string;
  title: string;
}

export interface Order {
  id: string;
  status: string;
}

export const PASSWORD = "correct horse";

export const newEmail = () => `${randomUUID()}@example.com`;

export async function signUp(request: APIRequestContext): Promise<string> {
  const email = newEmail();
  const answer = await request.post("/api/users/signup", { data: { email, password: PASSWORD } });
  expect(answer.status()).toBe(201);
  return email;
}

/** Somebody who sells, by the API alone. */
export class Seller {
  readonly request: APIRequestContext;

  constructor(request: APIRequestContext) {
    this.request = request;
  }

  /** Lists a ticket whose title no other has, unless it is to have another `name`. */
  async lists(
    title: string,
    price = 42.5,
    name = `${title} ${randomUUID().slice(0, 8)}`,
  ): Promise<Ticket> {
    const answer = await this.request.post("/api/tickets", { data: { title: name, price } });
    expect(answer.status()).toBe(201);
    return (await answer.json()) as Ticket;
  }
}

/** Reserves by the API; orders hears of a new ticket a moment after it was listed. */
export async function reserve(request: APIRequestContext, ticket: Ticket): Promise<Order> {
  let order: Order | undefined;
  await expect(async () => {
    const answer = await request.post("/api/orders", { data: { ticketId: ticket.id } });
    expect(answer.status()).toBe(201);
    order = (await answer.json()) as Order;
  }).toPass({ timeout: 10_000 });
  return order!;
}

/** Pays by the API; payments hears of an order a moment after it was made. */
export async function pay(request: APIRequestContext, { id: orderId }: Order): Promise<void> {
  await expect(async () => {
    const answer = await request.post("/api/payments", { data: { orderId, token: "tok_visa" } });
    expect(answer.status()).toBe(201);
  }).toPass({ timeout: 10_000 });
}

interface People {
  seller: Seller;
  /** Somebody new, signed in in this test's own browser; their email. */
  signedIn: string;
  /** A page of somebody new who is signed in. */
  signedInPage: Page;
  /** Another person with a browser of their own, signed in. */
  another: () => Promise<BrowserContext>;
}

export const test = base.extend<People>({
  baseURL: async ({}, use) => {
    await use(process.env.BASE_URL);
  },
  seller: async ({ playwright, baseURL }, use) => {
    const request = await playwright.request.newContext({ baseURL });
    await signUp(request);
    await use(new Seller(request));
    await request.dispose();
  },
  signedIn: async ({ context }, use) => {
    await use(await signUp(context.request));
  },
  signedInPage: async ({ page }, use) => {
    await signUp(page.request);
    await use(page);
  },
  another: async ({ browser, contextOptions, baseURL }, use) => {
    const opened: BrowserContext[] = [];
    await use(async () => {
      const context = await browser.newContext({ ...contextOptions, baseURL });
      opened.push(context);
      await signUp(context.request);
      return context;
    });
    for (const context of opened) await context.close();
  },
});

export { expect };
