"use client";

import type { Stripe } from "@stripe/stripe-js";
import { loadStripe } from "@stripe/stripe-js/pure";

const stripePromises = new Map<string, Promise<Stripe | null>>();

/**
 * Loads Stripe.js once per key. A `scriptUrl` names the local Stripe's script, which must be on the
 * page before `loadStripe` runs, because that would otherwise load Stripe's own.
 */
export function getStripe(key: string, scriptUrl: string | null): Promise<Stripe | null> {
  const cacheKey = `${key} ${scriptUrl ?? ""}`;
  let stripe = stripePromises.get(cacheKey);
  if (!stripe) {
    stripe = (scriptUrl ? loadScript(scriptUrl) : Promise.resolve()).then(() => loadStripe(key));
    stripePromises.set(cacheKey, stripe);
    stripe.catch(() => stripePromises.delete(cacheKey)); // allow a retry
  }
  return stripe;
}

function loadScript(url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const element = document.createElement("script");
    element.src = url;
    element.onload = () => resolve();
    element.onerror = () => {
      element.remove();
      reject(new Error(`${url} could not be loaded`));
    };
    document.head.append(element);
  });
}
