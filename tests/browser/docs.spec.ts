import { collectConsoleErrors } from "./console-errors.ts";
import { expect, test } from "./fixtures.ts";

const OPERATIONS = {
  "/api/docs": "/api/payments/webhook",
  "/api/users/docs": "/api/users/signin",
  "/api/tickets/docs": "/api/tickets/mine",
  "/api/orders/docs": "/api/orders/events",
  "/api/payments/docs": "/api/payments/config",
};

test("the API documentation is shown without a request to another host", async ({
  page,
  baseURL,
}) => {
  const errors = collectConsoleErrors(page);
  const requests: string[] = [];
  page.on("request", (request) => requests.push(request.url()));
  for (const [path, operation] of Object.entries(OPERATIONS)) {
    await page.goto(path);
    await expect(page.getByText(operation, { exact: true })).toBeVisible();
  }

  expect(errors).toEqual([]);
  const isOwn = (url: string) => url.startsWith("data:") || url.startsWith(`${baseURL}/`);
  expect(requests.filter((url) => !isOwn(url))).toEqual([]);
  expect(requests).toContain(`${baseURL}/swagger-ui/swagger-ui-bundle.js`);
});

test("an operation can be tried on the documentation page", async ({ page, seller }) => {
  const ticket = await seller.list("Tried");
  const errors = collectConsoleErrors(page);
  await page.goto("/api/tickets/docs");
  await page.getByText("/api/tickets/{ticket_id}", { exact: true }).first().click();
  await page.getByRole("button", { name: "Try it out" }).click();
  await page.getByPlaceholder("ticket_id").fill(ticket.id);
  await page.getByRole("button", { name: "Execute" }).click();

  await expect(page.locator(".live-responses-table")).toContainText(ticket.title);
  expect(errors).toEqual([]);
});
