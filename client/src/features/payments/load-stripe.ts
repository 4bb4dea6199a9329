"use client";

import type { Stripe } from "@stripe/stripe-js";
import { loadStripe } from "@stripe/stripe-js/pure";

const stripePromises = new Map<string, Promise<Stripe | null>>();

/**
 * Loads Stripe.js once: Stripe's own, or, where the services are configured so, the local stand-in,
 * which has to be on the page before `loadStripe` looks for it.
 */
export function getStripe(key: string, scriptUrl: string | null): Promise<Stripe | null> {
  const cacheKey = `${key} ${scriptUrl ?? ""}`;
  let stripe = stripePromises.get(cacheKey);
  if (!stripe) {
    stripe = (scriptUrl ? loadScript(scriptUrl) : Promise.resolve()).then(() => loadStripe(key));
    stripePromises.set(cacheKey, stripe);
    stripe.catch(() => stripePromises.delete(cacheKey)); // so that it can be tried again
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
