import type { APIRequestContext } from "@playwright/test";
import { expect, type Order, pay, reserve, type Seller, type Ticket } from "./fixtures.ts";
import { ticketPdf, type TicketFile } from "./ticket-files.ts";

/** Puts a file into the vault through the API. */
export async function store(request: APIRequestContext, { id }: Ticket, file: TicketFile) {
  const response = await request.put(`/api/tickets/${id}/file`, {
    data: file.buffer,
    headers: { "content-type": file.mimeType },
  });
  expect(response.status(), await response.text()).toBe(200);
}

/** Buys a ticket through the API, and waits until tickets knows it. */
export async function buy(request: APIRequestContext, ticket: Ticket): Promise<Order> {
  const order = await reserve(request, ticket);
  await pay(request, order);
  await expect(async () => {
    expect((await request.get(`/api/tickets/${ticket.id}/pass`)).status()).toBe(200);
  }).toPass();
  return order;
}

/** Lists a ticket of a show, with a PDF in the vault that has a page for each code. */
export async function listInVault(seller: Seller, ...codes: string[]): Promise<Ticket> {
  const more = { showId: (await seller.addShow()).id, seat: { row: "4", seat: "12" } };
  const ticket = await seller.list("In the vault", 42.5, undefined, more);
  await store(seller.request, ticket, ticketPdf(...codes));
  return ticket;
}
