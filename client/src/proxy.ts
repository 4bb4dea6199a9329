import { type NextRequest, NextResponse } from "next/server";
import { contentSecurityPolicy } from "@/config/content-security-policy";
import { isMissingPage } from "@/lib/missing-pages";
import { renewSession } from "@/lib/session-renewal";
import { getStripeOrigin } from "@/lib/stripe-origin";

/** A file that does not depend on the session. A page with such a path is "not found". */
const FILE = /\.(?:ico|svg|png|txt|js|html|css|webmanifest)$|^\/swagger-ui\//;

/** An address that no page has, so that Next.js renders the "not found" page. */
const NOWHERE = "/not-found";

/**
 * Runs before every page that was admitted (`lib/page-admission.ts`): renews an expiring session and sets the
 * Content-Security-Policy. Next.js reads the nonce from the request's policy, so this replaces any that the
 * browser sent.
 */
export async function proxy(request: NextRequest): Promise<NextResponse> {
  const isFile = FILE.test(request.nextUrl.pathname);
  const [renewal, stripeJs] = await Promise.all([
    isFile ? null : renewSession(request),
    getStripeOrigin(),
  ]);
  const secure = request.headers.get("x-forwarded-proto") === "https";
  const policy = contentSecurityPolicy({
    nonce: btoa(crypto.randomUUID()),
    stripeJs,
    secure,
    development: process.env.NODE_ENV === "development",
  });
  const headers = new Headers(request.headers);
  headers.set("content-security-policy", policy);
  if (renewal) headers.set("cookie", renewal.cookie);

  const isMissing = await isMissingPage(request, headers.get("cookie") ?? "");
  const response = isMissing
    ? NextResponse.rewrite(new URL(NOWHERE, request.url), { request: { headers } })
    : NextResponse.next({ request: { headers } });
  response.headers.set("content-security-policy", policy);
  if (secure) response.headers.set("strict-transport-security", "max-age=31536000");
  for (const cookie of renewal?.setCookies ?? []) response.headers.append("set-cookie", cookie);
  return response;
}

// Excludes only paths that never render a page, whatever follows them.
export const config = { matcher: ["/((?!_next/static/|healthz$).*)"] };
