import { type NextRequest, NextResponse } from "next/server";
import { contentSecurityPolicy } from "@/config/content-security-policy";
import { renewSession } from "@/lib/session-renewal";
import { getStripeOrigin } from "@/lib/stripe-origin";

/** Runs before every page: renews an expiring session and sets the Content-Security-Policy. */
export async function proxy(request: NextRequest): Promise<NextResponse> {
  const [renewal, stripeJs] = await Promise.all([renewSession(request), getStripeOrigin()]);
  const secure = request.headers.get("x-forwarded-proto") === "https";
  const policy = contentSecurityPolicy({
    nonce: btoa(crypto.randomUUID()),
    stripeJs,
    secure,
    development: process.env.NODE_ENV === "development",
  });
  const headers = new Headers(request.headers);
  headers.set("content-security-policy", policy); // Next.js reads the nonce from this header
  if (renewal) headers.set("cookie", renewal.cookie);

  const response = NextResponse.next({ request: { headers } });
  response.headers.set("content-security-policy", policy);
  if (secure) response.headers.set("strict-transport-security", "max-age=31536000");
  for (const cookie of renewal?.setCookies ?? []) response.headers.append("set-cookie", cookie);
  return response;
}

export const config = {
  matcher: ["/((?!api/|_next/|healthz$|.*\\.(?:ico|svg|png|txt|js|html|css|webmanifest)$).*)"],
};
