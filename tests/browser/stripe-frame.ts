import type { Page } from "@playwright/test";

/** Stripe's published test cards. */
export const CARDS = {
  valid: "4242424242424242",
  insufficientFunds: "4000000000009995",
  requires3ds: "4000000000003220",
} as const;

const FRAME_SELECTOR = 'iframe[name^="__privateStripeFrame"][title^="Secure payment"]';

/** Fills in the card fields in Stripe's frame. */
export async function fillCard(page: Page, number: string): Promise<void> {
  const frame = page.frameLocator(FRAME_SELECTOR);
  await frame.locator('[name="number"]').fill(number);
  await frame.locator('[name="expiry"]').fill("12 / 34");
  await frame.locator('[name="cvc"]').fill("123");
  await frame.locator('[name="postalCode"]').fill("12345");
}

export async function payWith(page: Page, number: string): Promise<void> {
  await fillCard(page, number);
  await payButton(page).click();
}

export const payButton = (page: Page) => page.getByRole("button", { name: /^Pay \$/ });

/** Completes or fails the bank's 3-D Secure challenge. */
export async function answer3dsChallenge(page: Page, answer: "Complete" | "Fail"): Promise<void> {
  const challenge = page
    .frameLocator('iframe[title*="3D Secure" i], iframe[title*="bank" i]')
    .last();
  await challenge.getByRole("button", { name: answer }).click();
}
