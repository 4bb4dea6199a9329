import { unstable_doesMiddlewareMatch as doesProxyMatch } from "next/experimental/testing/server";
import { NextRequest } from "next/server";
import { beforeAll, describe, expect, test } from "vitest";
import { config, proxy } from "./proxy";

beforeAll(() => {
  process.env.API_URL = "http://127.0.0.1:9"; // no gateway: the Stripe script is Stripe's own
});

test.each([
  "/",
  "/orders",
  "/nothing.html",
  "/tickets/x.js",
  "/offline.html",
  "/api/nothing",
  "/_next/nothing",
  "/_next/static",
  "/_NEXT/static/x",
  "/healthz/x",
  "/swagger-ui/nothing.js",
])("runs for %s, which can be a page", (url) => {
  expect(doesProxyMatch({ config, url })).toBe(true);
});

test.each(["/_next/static/chunks/a.js", "/healthz"])("does not run for %s", (url) => {
  expect(doesProxyMatch({ config, url })).toBe(false);
});

describe("the policy that the browser sends", () => {
  test.each(["/", "/tickets/x.js"])("is replaced at %s", async (path) => {
    const forged = "script-src 'nonce-forged'";
    const headers = {
      "content-security-policy": forged,
      "content-security-policy-report-only": forged,
      "x-nonce": "forged",
    };
    const request = new NextRequest(`http://localhost${path}`, { headers });

    const response = await proxy(request);

    const policy = response.headers.get("content-security-policy");
    expect(policy).toMatch(/'nonce-[^']+'/);
    expect(policy).not.toContain("forged");
    expect(response.headers.get("x-middleware-request-content-security-policy")).toBe(policy);
  });
});
