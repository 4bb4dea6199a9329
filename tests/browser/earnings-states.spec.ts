import { expectAccessible } from "./accessibility.ts";
import { ClientOnFakeApi } from "./client-on-fake-api.ts";
import { expect, test } from "./fixtures.ts";

test.skip(!process.env.TICKETING_HOME, "needs the client's production build");

let client: ClientOnFakeApi;

test.beforeAll(async () => {
  client = await ClientOnFakeApi.start();
});

test.afterAll(() => client.stop());

const SALE = {
  orderId: "0123456789abcdef01234567",
  title: "Hamlet, row 4",
  price: 50,
  fee: 2.5,
  net: 47.5,
  soldAt: "2027-06-10T12:00:00Z",
  releaseAt: "2099-06-16T12:00:00Z",
};
const PAST = "2020-06-16T12:00:00Z";

for (const [state, reason, releaseAt, text] of [
  ["held", undefined, SALE.releaseAt, "$47.50 on June 16, 2099 at the latest"],
  ["held", undefined, null, "$47.50 as soon as its date is known"],
  ["frozen", "no_account", PAST, "Set up payouts to get it"],
  ["frozen", "account_not_ready", PAST, "Stripe needs something from you first"],
  ["frozen", "account_refused", PAST, "Stripe doesn’t let us send it to your account"],
  ["frozen", "paused", PAST, "we have paused your payouts"],
  ["frozen", "second_factor_removal", PAST, "the second step of your account is being removed"],
  ["held", "balance_insufficient", PAST, "Sending it didn’t work, and we try again"],
  ["frozen", "disputed", PAST, "asked their bank for the money back"],
  ["sending", undefined, PAST, "$47.50 is being sent"],
  ["sent", undefined, PAST, "$47.50 was sent to your Stripe account"],
  ["recalled", "charged_back", PAST, "The money went back to its buyer"],
  ["short", "charged_back", PAST, "is taken off your next payouts"],
  ["void", "refunded", PAST, "The money went back to its buyer"],
] as const) {
  test(`a payout that is ${state} because of ${reason ?? "nothing"}, due ${releaseAt ?? "at no date"}, is explained`, async ({
    page,
    context,
  }) => {
    await client.signIn(page, context);
    client.responses["/api/payments/seller"] = {
      transfers: state === "frozen" ? null : "active",
      requirements: [],
      owed: 0,
      paused: false,
    };
    client.responses["/api/payments/earnings"] = {
      sales: [{ ...SALE, releaseAt, payout: { state, reason } }],
      totals: { held: 47.5, sent: 0, owed: 0 },
    };
    await page.goto(`${client.address}/account/earnings`);
    const sale = page.getByRole("listitem").filter({ hasText: SALE.title });
    await expect(sale).toContainText(text);
    await expect(sale).toContainText("$50.00 less a fee of $2.50");
  });
}

for (const colorScheme of ["light", "dark"] as const) {
  test.describe(`${colorScheme} mode`, () => {
    test.use({ colorScheme });

    for (const transfers of [null, "pending", "restricted", "rejected", "closed"]) {
      test(`a seller whose transfers are ${transfers ?? "not set up"} sees that accessibly`, async ({
        page,
        context,
      }) => {
        await client.signIn(page, context);
        client.responses["/api/payments/seller"] = {
          transfers,
          requirements: transfers ? [{ description: "date of birth", deadline: "past_due" }] : [],
          owed: transfers === "rejected" ? 12 : 0,
          paused: transfers === "restricted",
        };
        client.responses["/api/payments/earnings"] = {
          sales: [{ ...SALE, payout: { state: "held" } }],
          totals: { held: 47.5, sent: 0, owed: 12 },
        };
        await page.goto(`${client.address}/account/earnings`);
        await expect(page.getByRole("heading", { level: 1 })).toHaveText("Earnings");
        await expectAccessible(page);
        await page.setViewportSize({ width: 320, height: 640 });
        const overflow = () =>
          document.documentElement.scrollWidth - document.documentElement.clientWidth;
        expect(await page.evaluate(overflow)).toBe(0);
      });
    }
  });
}
