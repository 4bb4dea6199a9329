import type { APIRequestContext } from "@playwright/test";
import { expectAccessible } from "./accessibility.ts";
import { aSaturday, expect, pay, reserve, Seller, test, unique } from "./fixtures.ts";

/** Waits until the page's chips of cities and days count the tickets of a city. */
async function waitForFacet(request: APIRequestContext, city: string): Promise<void> {
  await expect(async () => {
    const response = await request.get("/api/tickets/facets");
    const { cities } = (await response.json()) as { cities: { city: string }[] };
    expect(cities.map((each) => each.city)).toContain(city);
  }).toPass({ timeout: 30_000 });
}

/** Returns the next Sunday in March on which the clocks go forward in Berlin, as YYYY-MM-DD. */
function clocksGoForward(): string {
  const year = new Date().getUTCFullYear() + 1;
  const lastOfMarch = new Date(Date.UTC(year, 2, 31));
  lastOfMarch.setUTCDate(31 - lastOfMarch.getUTCDay());
  return lastOfMarch.toISOString().slice(0, 10);
}

const dayLabel = (date: string, locale: string) =>
  new Intl.DateTimeFormat(locale, {
    weekday: "short",
    day: "numeric",
    month: "short",
    timeZone: "UTC",
  }).format(new Date(date));

test.describe("on a phone", () => {
  test.use({ viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true });

  test("a seat for a Saturday in a city is three taps away, and its facts are shown before paying", async ({
    signedInPage: page,
    seller,
  }) => {
    const city = unique("Linz");
    const venue = { name: "Brucknerhaus", city, country: "AT" };
    const show = await seller.addShow({ venue, timeZone: "Europe/Vienna" });
    const more = { showId: show.id, seat: { section: "Parterre", row: "4", seat: "12" } };
    const title = unique("On the aisle");
    for (let count = 0; count < 3; count += 1) await seller.list("Gallery", 30, undefined, more);
    const { id } = await seller.list("", 25, title, more);
    await waitForFacet(page.request, city);

    await page.goto("/");
    await page.getByRole("link", { name: new RegExp(`^${city}`) }).tap();
    const chosenCity = page.getByRole("link", { name: `${city} Remove filter` });
    await expect(chosenCity).toBeInViewport({ ratio: 1 });
    await page.getByRole("link", { name: dayLabel(aSaturday(), "en-US") }).tap();
    await expect(page).toHaveTitle(new RegExp(`${city} · Sat`));
    const row = page.getByRole("listitem").filter({ hasText: title });
    await expect(row).toContainText("Parterre");
    await expectAccessible(page);
    await row.getByRole("link").tap();

    await expect(page).toHaveURL(`/tickets/${id}`);
    const facts = page.getByRole("article");
    await expect(facts).toContainText(/Saturday, .* 8:00\s–\s10:30\sPM/);
    await expect(facts).toContainText(`Brucknerhaus, ${city}`);
    await expect(facts).toContainText("Austria");
    await expect(facts).toContainText("Row 4");
    await expectAccessible(page);
    await page.getByRole("button", { name: "Reserve and pay" }).tap();
    await expect(page.getByRole("heading", { name: "Pay for your ticket" })).toBeVisible();
    const main = page.getByRole("main");
    await expect(main).toContainText(/Saturday, .* 8:00\s–\s10:30\sPM/);
    await expect(main).toContainText(`Brucknerhaus, ${city}`);
    await expect(main).toContainText("Seat 12");
  });
});

test("a show has its facts, its tickets with the cheapest first, and a preview to share", async ({
  page,
  request,
  seller,
}) => {
  const show = await seller.addShow();
  for (const price of [30, 10, 20]) {
    await seller.list(`For ${price}`, price, undefined, { showId: show.id });
  }
  await page.goto(`/shows/${show.id}`);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(show.name);
  await expect(page.getByRole("main")).toContainText("Schaubühne, Berlin");
  await expect(page.getByRole("region", { name: "Tickets" }).getByRole("listitem")).toContainText([
    "For 10",
    "For 20",
    "For 30",
  ]);
  const attribute = (selector: string, name: string) => page.locator(selector).getAttribute(name);
  expect(await attribute('link[rel="canonical"]', "href")).toMatch(
    new RegExp(`^http.*/shows/${show.id}$`),
  );
  const facts = await page.locator('script[type="application/ld+json"]').textContent();
  expect(JSON.parse(facts ?? "")).toMatchObject({
    "@type": "TheaterEvent",
    name: show.name,
    location: { name: "Schaubühne", address: { addressCountry: "DE" } },
    offers: { lowPrice: 10, highPrice: 30, offerCount: 3 },
  });
  const image = await request.get((await attribute('meta[property="og:image"]', "content")) ?? "");
  expect(image.headers()["content-type"]).toBe("image/png");
  expect((await image.body()).length).toBeGreaterThan(5_000);
});

test.describe("for a reader in another time zone", () => {
  test.use({ timezoneId: "America/New_York", locale: "en-GB" });

  test("the zone of a show is named beside its local time", async ({ page, seller }) => {
    const show = await seller.addShow();
    await page.goto(`/shows/${show.id}`);
    await expect(page.getByRole("main")).toContainText(/20:00\s?–\s?22:30/);
    await expect(page.getByRole("main")).toContainText(/Central European .* Time\. For you: 14:00/);
  });
});

test.describe("in German", () => {
  test.use({ locale: "de-DE" });

  test("the day and the seat of a ticket are written as in Germany", async ({ page, seller }) => {
    const show = await seller.addShow();
    const more = { showId: show.id, seat: { row: "4" } };
    const ticket = await seller.list("Parkett", 20, undefined, more);
    await page.goto(`/tickets/${ticket.id}`);
    const facts = page.getByRole("article");
    await expect(facts).toContainText(/Samstag, \d+\. \S+ \d{4}(?:,| um) 20:00\s?–\s?22:30 Uhr/);
    await expect(facts).toContainText("Ortszeit");
    await expect(facts).toContainText("Reihe 4");
  });
});

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? "with script" : "without script", () => {
    test.use({ javaScriptEnabled });

    test("a seller finds no show, adds it, and lists a ticket with seat and face value", async ({
      signedInPage: page,
    }) => {
      const name = unique("Rigoletto");
      await page.goto("/tickets/new");
      await page.getByLabel("Find the show").fill(name);
      await page.getByRole("button", { name: "Find" }).click();
      await page.getByRole("link", { name: "Add the show" }).click();
      await expect(page.getByLabel("Name of the show")).toHaveValue(name);
      await page.getByLabel("Venue", { exact: true }).fill("Staatsoper");
      await page.getByLabel("City").fill("Wien");
      await page.getByLabel("Country").selectOption({ label: "Austria" });
      await page.getByLabel("Time zone").selectOption("Europe/Vienna");
      await page.getByLabel("Starts").fill(`${aSaturday()}T19:00`);
      await page.getByLabel("Ends").fill(`${aSaturday()}T18:00`);
      await page.getByRole("button", { name: "Add show" }).click();
      await expect(page.getByText("It has to end after it starts.")).toBeVisible();
      await page.getByLabel("Ends").fill(`${aSaturday()}T22:00`);
      await page.getByRole("button", { name: "Add show" }).click();

      await expect(page.getByLabel("What is it a ticket for?")).toHaveValue(name);
      await page.getByLabel("Row").fill("4");
      await page.getByLabel("Price").fill("40");
      await page.getByLabel("Face value").fill("0");
      await page.getByRole("button", { name: "List ticket" }).click();
      await expect(page.getByText("Enter a number, such as 25 or 19.90.")).toBeVisible();
      await page.getByLabel("Face value").fill("45.50");
      await page.getByRole("button", { name: "List ticket" }).click();
      const ticket = page.getByRole("article");
      await expect(ticket).toContainText("Staatsoper, Wien");
      await expect(ticket).toContainText("Row 4");
      await expect(ticket).toContainText("$45.50");

      await page.goto("/tickets/new");
      await page.getByLabel("Find the show").fill(name);
      await page.getByRole("button", { name: "Find" }).click();
      await page.getByRole("link", { name }).click();
      await expect(page.getByLabel("What is it a ticket for?")).toHaveValue(name);
    });

    test("a show at another time of the same day is only added if it is another one", async ({
      signedInPage: page,
      seller,
    }) => {
      const show = await seller.addShow();
      await page.goto(`/shows/new?name=${encodeURIComponent(show.name)}`);
      await page.getByLabel("Venue", { exact: true }).fill("Schaubühne");
      await page.getByLabel("City").fill("Berlin");
      await page.getByLabel("Country").selectOption({ label: "Germany" });
      await page.getByLabel("Time zone").selectOption("Europe/Berlin");
      await page.getByLabel("Starts").fill(`${aSaturday()}T15:00`);
      await page.getByLabel("Ends").fill(`${aSaturday()}T17:00`);
      await page.getByRole("button", { name: "Add show" }).click();
      await expect(page.getByText(/There’s a show of this name .* at 20:00/)).toBeVisible();
      await page.getByLabel("It’s another show").check();
      await page.getByRole("button", { name: "Add show" }).click();
      await expect(page.getByLabel("What is it a ticket for?")).toHaveValue(show.name);
    });

    test("its creator changes a show until someone else lists a ticket for it", async ({
      signedInPage: page,
      seller,
    }) => {
      const show = await new Seller(page.request).addShow();
      await page.goto(`/shows/${show.id}`);
      await page.getByRole("link", { name: "Change the show" }).click();
      await expect(page.getByLabel("Name of the show")).toHaveValue(show.name);
      await expect(page.getByLabel("Starts")).toHaveValue(`${aSaturday()}T20:00`);
      await expectAccessibleIf(javaScriptEnabled, page);
      const tryTimes = async (startsAt: string, endsAt: string, problem: string) => {
        await page.getByLabel("Starts").fill(startsAt);
        await page.getByLabel("Ends").fill(endsAt);
        await page.getByRole("button", { name: "Save changes" }).click();
        await expect(page.getByText(problem)).toBeVisible();
        await expect(page.getByLabel("Starts")).toHaveValue(startsAt);
      };
      await tryTimes("2020-06-14T20:00", "2020-06-14T22:00", "It has to start in the future.");
      const end = `${aSaturday()}T22:00`;
      await tryTimes(`${aSaturday()}T22:30`, end, "It has to end after it starts.");
      const missing = `${clocksGoForward()}T02:30`;
      await tryTimes(missing, missing.replace("02:30", "05:00"), "This time doesn’t exist there");
      await page.getByLabel("Starts").fill(`${aSaturday()}T19:00`);
      await page.getByLabel("Ends").fill(end);
      await page.getByLabel("Venue", { exact: true }).fill("Volksbühne");
      await page.getByRole("button", { name: "Save changes" }).click();
      await expect(page.getByRole("heading", { level: 1 })).toHaveText(show.name);
      await expect(page.getByRole("main")).toContainText("Volksbühne, Berlin");
      await expect(page.getByRole("main")).toContainText(/7:00\s–\s10:00\sPM/);

      await page.getByRole("link", { name: "Change the show" }).click();
      await seller.list("Of another seller", 20, undefined, { showId: show.id });
      await page.getByLabel("City").fill("Potsdam");
      await page.getByRole("button", { name: "Save changes" }).click();
      await expect(page.getByText("Others sell or buy tickets for this show now")).toBeVisible();
      await expect(page.getByLabel("City")).toHaveValue("Potsdam");
    });

    test("the show of a listed ticket is chosen later", async ({ signedInPage: page, seller }) => {
      const show = await seller.addShow();
      const data = { title: unique("Listed early"), price: 5 };
      const listed = await page.request.post("/api/tickets", { data });
      await page.goto(`/tickets/${((await listed.json()) as { id: string }).id}`);
      await page.getByRole("link", { name: "Choose its show" }).click();
      await page.getByLabel("Find the show").fill(show.name);
      await page.getByRole("button", { name: "Find" }).click();
      await page.getByRole("link", { name: show.name }).click();
      await page.getByRole("button", { name: "Use this show" }).click();
      await expect(page.getByRole("heading", { level: 1 })).toHaveText(data.title);
      await expect(page.getByRole("article")).toContainText("Schaubühne, Berlin");
      await expect(page.getByRole("article")).toContainText("$5.00");
    });

    test("a ticket is withdrawn after a confirmation", async ({ signedInPage: page }) => {
      const data = { title: unique("Changed my mind"), price: 5 };
      const listed = await page.request.post("/api/tickets", { data });
      const { id } = (await listed.json()) as { id: string };
      await page.goto(`/tickets/${id}`);
      await page.getByRole("link", { name: "Withdraw this ticket" }).click();
      await expect(page.getByRole("heading", { level: 1 })).toHaveText("Withdraw this ticket?");
      await expectAccessibleIf(javaScriptEnabled, page);
      await page.getByRole("button", { name: "Withdraw ticket" }).click();
      await expect(page.getByText("You withdrew this ticket")).toBeVisible();
      await expect(page.getByRole("link", { name: "List it again" })).toBeVisible();
      await expect(page.getByRole("button", { name: "Save changes" })).toBeHidden();
      await expect(page.locator('meta[name="robots"]')).toHaveAttribute("content", /noindex/);
      await page.goto("/tickets/mine");
      await expect(page.getByRole("listitem").filter({ hasText: data.title })).toContainText(
        "Withdrawn",
      );
    });
  });
}

const expectAccessibleIf = async (
  isChecked: boolean,
  page: Parameters<typeof expectAccessible>[0],
) => {
  if (isChecked) await expectAccessible(page);
};

test("a ticket that is withdrawn while it is reserved is sold if it is paid", async ({
  signedInPage: page,
  newUser,
}) => {
  const data = { title: unique("Too late"), price: 5 };
  const listed = await page.request.post("/api/tickets", { data });
  const ticket = (await listed.json()) as { id: string; title: string };
  const buyer = (await newUser()).request;
  const order = await reserve(buyer, ticket);
  await page.goto(`/tickets/${ticket.id}`);
  await expect(page.getByText("A buyer has reserved your ticket.")).toBeVisible();
  await page.getByRole("link", { name: "Withdraw this ticket" }).click();
  await expect(page.getByText("A buyer is paying for it right now.")).toBeVisible();
  await page.getByRole("button", { name: "Withdraw ticket" }).click();
  await expect(page.getByText("while a buyer had reserved it")).toBeVisible();
  await pay(buyer, order);
  await expect(page.getByText("Sold. The buyer has paid.")).toBeVisible();
});

test("search engines find the shows, and no private page", async ({ request, seller }) => {
  const show = await seller.addShow();
  const sitemap = await request.get("/sitemap.xml");
  expect(sitemap.headers()["content-type"]).toContain("xml");
  expect(await sitemap.text()).toContain(`/shows/${show.id}</loc>`);
  const robots = await (await request.get("/robots.txt")).text();
  expect(robots).toContain("Disallow: /orders");
  expect(robots).toMatch(/Sitemap: http.*\/sitemap\.xml/);
});
