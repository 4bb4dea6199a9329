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

export interface Show {
  id: string;
  name: string;
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

const DAY_MS = 86_400_000;
const SATURDAY = 6;

/** Returns a Saturday in at least ten days, as YYYY-MM-DD. */
export function aSaturday(): string {
  const day = new Date(Date.now() + 10 * DAY_MS);
  const rest = (SATURDAY - day.getUTCDay() + 7) % 7;
  return new Date(day.getTime() + rest * DAY_MS).toISOString().slice(0, 10);
}

/** Returns a name that only one test uses. */
export const unique = (name: string) => `${name} ${randomUUID().slice(0, 8)}`;

/** A seller who uses the API only. */
export class Seller {
  readonly request: APIRequestContext;

  constructor(request: APIRequestContext) {
    this.request = request;
  }

  /** Adds a show on a Saturday evening in Berlin. */
  async addShow(changes: object = {}): Promise<Show> {
    const day = aSaturday();
    const response = await this.request.post("/api/tickets/shows", {
      data: {
        name: unique("Hamlet"),
        startsAt: `${day}T20:00`,
        endsAt: `${day}T22:30`,
        timeZone: "Europe/Berlin",
        venue: { name: "Schaubühne", city: "Berlin", country: "DE" },
        category: "theatre",
        ...changes,
      },
    });
    expect(response.status()).toBe(201);
    return (await response.json()) as Show;
  }

  /** Lists a ticket under a unique title, or under `exactTitle`. */
  async list(
    title: string,
    price = 42.5,
    exactTitle = unique(title),
    more: object = {},
  ): Promise<Ticket> {
    const response = await this.request.post("/api/tickets", {
      data: { title: exactTitle, price, ...more },
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
  }).toPass({ timeout: 60_000 });
  return order!;
}

/** Pays an order through the API. Retries until payments has received the order's event. */
export async function pay(request: APIRequestContext, { id: orderId }: Order): Promise<void> {
  await expect(async () => {
    const response = await request.post("/api/payments", { data: { orderId, token: "tok_visa" } });
    expect(response.status()).toBe(201);
  }).toPass({ timeout: 60_000 });
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
