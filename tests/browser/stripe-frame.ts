import type { Page } from "@playwright/test";

/** Stripe's published test cards. */
export const CARDS = {
  good: "4242424242424242",
  poor: "4000000000009995",
  asksTheBank: "4000000000003220",
} as const;

const FRAME = 'iframe[name^="__privateStripeFrame"][title^="Secure payment"]';

/** Types a card into Stripe's frame, which is not our page. */
export async function typeCard(page: Page, number: string): Promise<void> {
  const frame = page.frameLocator(FRAME);
  await frame.locator('[name="number"]').fill(number);
  await frame.locator('[name="expiry"]').fill("12 / 34");
  await frame.locator('[name="cvc"]').fill("123");
  await frame.locator('[name="postalCode"]').fill("12345");
}

export async function payWith(page: Page, number: string): Promise<void> {
  await typeCard(page, number);
  await payButton(page).click();
}

export const payButton = (page: Page) => page.getByRole("button", { name: /^Pay \$/ });

/** What the buyer answers their bank in its 3-D Secure page. */
export async function answerBank(page: Page, answer: "Complete" | "Fail"): Promise<void> {
  const bank = page.frameLocator('iframe[title*="3D Secure" i], iframe[title*="bank" i]').last();
  await bank.getByRole("button", { name: answer }).click();
}
