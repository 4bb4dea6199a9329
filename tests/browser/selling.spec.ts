import type { Page } from "@playwright/test";
import { expectAccessible } from "./accessibility.ts";
import { expect, PASSWORD, reserve, test, type Ticket } from "./fixtures.ts";

test("a ticket is listed, edited, and locked while it is reserved", async ({
  signedInPage: page,
  newUser,
}) => {
  await page.goto("/");
  await page.getByRole("link", { name: "Sell a ticket" }).first().click();
  await page.getByLabel("What is it a ticket for?").fill("Front row, Saturday");
  await page.getByLabel("Price").fill("19,90");
  await page.getByRole("button", { name: "List ticket" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Front row, Saturday" })).toBeVisible();
  await expect(page.getByText("$19.90")).toBeVisible();

  await page.getByLabel("Price").fill("24");
  await page.getByRole("button", { name: "Save changes" }).click();
  await expect(page.getByText("Saved.")).toBeVisible();
  await expect(page.getByText("$24.00")).toBeVisible();

  const id = new URL(page.url()).pathname.split("/").at(-1) ?? "";
  await reserve((await newUser()).request, { id, title: "" });
  await expect(page.getByText("A buyer has reserved your ticket.")).toBeVisible();
  await expect(page.getByRole("button", { name: "Save changes" })).toBeHidden();
});

test("invalid input is shown at its field before a request is sent", async ({
  signedInPage: page,
}) => {
  let sent = 0;
  page.on("request", (request) => (sent += request.method() === "POST" ? 1 : 0));
  await page.goto("/tickets/new");
  for (const [typed, message] of [
    ["", "Enter a price"],
    ["cheap", "Enter a number"],
    ["0.999", "at most two decimals"],
    ["1.999", "Did you mean $1,999.00\\? Then write 1999."],
    ["0.49", "lowest price is $0.50"],
    ["1000000", "highest price is $999,999.99"],
  ]) {
    await page.getByLabel("Price").fill(typed ?? "");
    await page.getByRole("button", { name: "List ticket" }).click();
    await expect(page.getByLabel("Price")).toHaveAccessibleDescription(
      new RegExp(`${message}`.replace("$", "\\$")),
    );
  }
  await expect(page.getByLabel("What is it a ticket for?")).toHaveAccessibleDescription(
    /Enter what the ticket is for/,
  );
  await expect(page.getByLabel("What is it a ticket for?")).toBeFocused();
  expect(sent).toBe(0);
});

test("an API error is shown at its field, and the input is kept", async ({
  signedInPage: page,
}) => {
  await page.goto("/tickets/new");
  await page.getByLabel("What is it a ticket for?").fill("Refused");
  await page.getByLabel("Price").fill("12");
  await page.route("**/api/tickets", async (route) => {
    const response = await route.fetch({
      postData: JSON.stringify({ title: "Refused", price: 0.1 }),
    });
    await route.fulfill({ response });
  });
  await page.getByRole("button", { name: "List ticket" }).click();
  await expect(page.getByLabel("Price")).toHaveAccessibleDescription(/lowest price is \$0.50/);
  await expect(page.getByLabel("What is it a ticket for?")).toHaveValue("Refused");
});

test("a price with grouped thousands is accepted", async ({ signedInPage: page }) => {
  await page.goto("/tickets/new");
  await page.getByLabel("What is it a ticket for?").fill("Box seat");
  await page.getByLabel("Price").fill("1,000.00");
  await page.getByRole("button", { name: "List ticket" }).click();
  await expect(page.getByText("$1,000.00")).toBeVisible();
});

/** Opens an own ticket, types a price of 7, and edits the ticket as another tab would. */
async function openWithConflict(page: Page): Promise<void> {
  const listed = await page.request.post("/api/tickets", { data: { title: "First", price: 5 } });
  const { id } = (await listed.json()) as { id: string };
  await page.goto(`/tickets/${id}`);
  await page.getByLabel("Price").fill("7");
  await page.request.put(`/api/tickets/${id}`, { data: { title: "Second", price: 6 } });
  await expect(page.getByText("changed while you were editing it")).toBeVisible();
  await expect(page.getByText("It’s now “Second” for $6.00.")).toBeVisible();
  await expect(page.getByLabel("Price")).toHaveValue("7");
  await expectAccessible(page);
}

test("after an edit in another tab, one's own can be saved", async ({ signedInPage: page }) => {
  await openWithConflict(page);
  await page.getByRole("button", { name: "Save my version" }).click();
  await expect(page.getByText("Saved.")).toBeVisible();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("First");
  await expect(page.getByText("$7.00")).toBeVisible();
  await page.getByLabel("Price").fill("8");
  await page.getByRole("button", { name: "Save changes" }).click();
  await expect(page.getByText("$8.00")).toBeVisible();
});

test("after an edit in another tab, that one can be used", async ({ signedInPage: page }) => {
  await openWithConflict(page);
  await page.getByRole("button", { name: "Use that version" }).click();
  await expect(page.getByLabel("What is it a ticket for?")).toHaveValue("Second");
  await expect(page.getByLabel("Price")).toHaveValue("6.00");
  await page.getByLabel("Price").fill("9");
  await page.getByRole("button", { name: "Save changes" }).click();
  await expect(page.getByText("$9.00")).toBeVisible();
});

test("an edit in another tab is not overwritten by a page without its event", async ({
  signedInPage: page,
}) => {
  await page.route("**/api/tickets/events", (route) => route.abort());
  const listed = await page.request.post("/api/tickets", { data: { title: "First", price: 5 } });
  const { id } = (await listed.json()) as { id: string };
  await page.goto(`/tickets/${id}`);
  await page.getByLabel("Price").fill("7");
  await page.request.put(`/api/tickets/${id}`, { data: { title: "Second", price: 6 } });
  await page.getByRole("button", { name: "Save changes" }).click();
  await expect(page.getByText("changed while you were editing it")).toBeVisible();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Second");
  await page.getByRole("button", { name: "Save my version" }).click();
  await expect(page.getByText("$7.00")).toBeVisible();
});

test("a half-typed edit is kept while a buyer has reserved the ticket", async ({
  signedInPage: page,
  newUser,
}) => {
  const listed = await page.request.post("/api/tickets", { data: { title: "Row 1", price: 5 } });
  const ticket = (await listed.json()) as Ticket;
  await page.goto(`/tickets/${ticket.id}`);
  await page.getByLabel("What is it a ticket for?").fill("Row 1, Sat");
  const buyer = (await newUser()).request;
  const order = await reserve(buyer, ticket);
  await expect(page.getByText("Your unsaved changes are kept")).toBeVisible();
  await expect(page.getByText("“Row 1, Sat”")).toBeVisible();

  await buyer.delete(`/api/orders/${order.id}`);
  await expect(page.getByLabel("What is it a ticket for?")).toHaveValue("Row 1, Sat");
  await page.getByRole("button", { name: "Save changes" }).click();
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("Row 1, Sat");
});

test("another language and a lost session do not lose what is typed", async ({
  page,
  userEmail,
}) => {
  await page.goto("/tickets/new");
  await page.getByLabel("What is it a ticket for?").fill("Typed once");
  await page.getByLabel("Price").fill("12");
  await page.getByRole("button", { name: "Deutsch" }).click();
  await expect(page.getByLabel("Wofür ist das Ticket?")).toHaveValue("Typed once");
  await expect(page.getByLabel("Preis", { exact: true })).toHaveValue("12");
  await page.getByRole("button", { name: "English" }).click();
  await expect(page.getByLabel("Price")).toHaveValue("12");

  await page.request.delete("/api/users/sessions");
  await page.getByRole("button", { name: "List ticket" }).click();
  await expect(page).toHaveURL(/signin/);
  await page.getByLabel("Email").fill(userEmail);
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await expect(page.getByLabel("What is it a ticket for?")).toHaveValue("Typed once");
  await page.getByRole("button", { name: "List ticket" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Typed once" })).toBeVisible();
  await page.goto("/tickets/new");
  await expect(page.getByLabel("Price")).toHaveValue("");
});

test("offline, the page shows a banner, and the form can be sent later", async ({
  signedInPage: page,
  context,
}) => {
  await page.goto("/tickets/new");
  await page.evaluate(async () => {
    await navigator.serviceWorker.ready;
  });
  await page.getByLabel("What is it a ticket for?").fill("Typed offline");
  await page.getByLabel("Price").fill("8");
  await context.setOffline(true);
  await expect(page.getByText("You are offline.")).toBeVisible();
  await expectAccessible(page);
  await page.getByRole("button", { name: "List ticket" }).click();
  await expect(page.getByRole("main").getByRole("alert")).toContainText("No connection");

  await context.setOffline(false);
  await page.getByRole("button", { name: "List ticket" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Typed offline" })).toBeVisible();

  await context.setOffline(true);
  await page.goto("/orders");
  await expect(page.getByRole("heading", { name: "You are offline" })).toBeVisible();
  await expectAccessible(page);
});
