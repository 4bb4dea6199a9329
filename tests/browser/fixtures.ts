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
  const response = await request.post("/api/users/signup", { data: { email, password: PASSWORD } });
  expect(response.status()).toBe(201);
  return email;
}

/** A seller who uses the API only. */
export class Seller {
  readonly request: APIRequestContext;

  constructor(request: APIRequestContext) {
    this.request = request;
  }

  /** Lists a ticket under a unique title, or under `exactTitle`. */
  async list(
    title: string,
    price = 42.5,
    exactTitle = `${title} ${randomUUID().slice(0, 8)}`,
  ): Promise<Ticket> {
    const response = await this.request.post("/api/tickets", {
      data: { title: exactTitle, price },
    });
    expect(response.status()).toBe(201);
    return (await response.json()) as Ticket;
  }
}

/** Reserves a ticket through the API. Retries until orders has received the ticket's event. */
export async function reserve(request: APIRequestContext, ticket: Ticket): Promise<Order> {
  let order: Order | undefined;
  await expect(async () => {
    const response = await request.post("/api/orders", { data: { ticketId: ticket.id } });
    expect(response.status()).toBe(201);
    order = (await response.json()) as Order;
  }).toPass({ timeout: 10_000 });
  return order!;
}

/** Pays an order through the API. Retries until payments has received the order's event. */
export async function pay(request: APIRequestContext, { id: orderId }: Order): Promise<void> {
  await expect(async () => {
    const response = await request.post("/api/payments", { data: { orderId, token: "tok_visa" } });
    expect(response.status()).toBe(201);
  }).toPass({ timeout: 10_000 });
}

interface Fixtures {
  seller: Seller;
  /** The email of a new user who is signed in in the test's browser context. */
  userEmail: string;
  /** A page on which a new user is signed in. */
  signedInPage: Page;
  /** Signs up another user in a browser context of their own. */
  newUser: () => Promise<BrowserContext>;
}

export const test = base.extend<Fixtures>({
  baseURL: async ({}, use) => {
    await use(process.env.BASE_URL);
  },
  seller: async ({ playwright, baseURL }, use) => {
    const request = await playwright.request.newContext({ baseURL });
    await signUp(request);
    await use(new Seller(request));
    await request.dispose();
  },
  userEmail: async ({ context }, use) => {
    await use(await signUp(context.request));
  },
  signedInPage: async ({ page }, use) => {
    await signUp(page.request);
    await use(page);
  },
  newUser: async ({ browser, contextOptions, baseURL }, use) => {
    const contexts: BrowserContext[] = [];
    await use(async () => {
      const context = await browser.newContext({ ...contextOptions, baseURL });
      contexts.push(context);
      await signUp(context.request);
      return context;
    });
    for (const context of contexts) await context.close();
  },
});

export { expect };
