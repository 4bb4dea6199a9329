import { type NextRequest, NextResponse } from "next/server";
import { contentSecurityPolicy } from "@/config/content-security-policy";
import { renewal } from "@/lib/session-renewal";
import { stripeOrigin } from "@/lib/stripe-origin";

/** On the way to every page: a nonce of its own, and a session that is renewed in time. */
export async function proxy(request: NextRequest): Promise<NextResponse> {
  const [renewed, stripeJs] = await Promise.all([renewal(request), stripeOrigin()]);
  const secure = request.headers.get("x-forwarded-proto") === "https";
  const policy = contentSecurityPolicy({
    nonce: btoa(crypto.randomUUID()),
    stripeJs,
    secure,
    development: process.env.NODE_ENV === "development",
  });
  const headers = new Headers(request.headers);
  headers.set("content-security-policy", policy); // Next reads the nonce from here
  if (renewed) headers.set("cookie", renewed.cookie);

  const response = NextResponse.next({ request: { headers } });
  response.headers.set("content-security-policy", policy);
  if (secure) response.headers.set("strict-transport-security", "max-age=31536000");
  for (const cookie of renewed?.setCookies ?? []) response.headers.append("set-cookie", cookie);
  return response;
}

export const config = {
  matcher: ["/((?!api/|_next/|healthz$|.*\\.(?:ico|svg|png|txt|js|html|css|webmanifest)$).*)"],
};
