/**
 * Returns the Content-Security-Policy header. Scripts need the page's nonce or must be loaded by one
 * that has it. The Stripe sources follow Stripe's security guide; `stripeJs` is the origin of the
 * local Stripe, if that is used. A frame shows the PDF that a seller has chosen.
 */
export function contentSecurityPolicy(options: {
  nonce: string;
  stripeJs: string | null;
  secure: boolean;
  development: boolean;
}): string {
  const { nonce, stripeJs, secure, development } = options;
  const localSources = stripeJs ? [stripeJs] : [];
  const stripeSources = ["https://js.stripe.com", "https://*.js.stripe.com"];
  const policy: Record<string, string[]> = {
    "default-src": ["'self'"],
    "script-src": [
      ...["'self'", `'nonce-${nonce}'`, "'strict-dynamic'", ...stripeSources, ...localSources],
      ...(development ? ["'unsafe-eval'"] : []),
    ],
    "style-src": ["'self'", development ? "'unsafe-inline'" : `'nonce-${nonce}'`],
    "style-src-attr": ["'unsafe-inline'"], // Stripe.js positions its frames that way
    "img-src": ["'self'", "data:", "https://*.stripe.com"],
    "font-src": ["'self'"],
    "connect-src": ["'self'", "https://api.stripe.com", ...localSources],
    "frame-src": ["blob:", ...stripeSources, "https://hooks.stripe.com", ...localSources],
    "object-src": ["'none'"],
    "base-uri": ["'none'"],
    // The form of a seller is answered by a redirect to Stripe.
    "form-action": ["'self'", "https://connect.stripe.com", ...localSources],
    "frame-ancestors": ["'none'"],
    ...(secure ? { "upgrade-insecure-requests": [] } : {}),
  };
  return Object.entries(policy)
    .map(([name, sources]) => [name, ...sources].join(" "))
    .join("; ");
}
