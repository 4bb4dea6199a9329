import { NextRequest } from "next/server";
import { expect, test } from "vitest";
import { POST } from "./route";

const URL = "http://localhost/language";
const FORM = "application/x-www-form-urlencoded";

function request(body: BodyInit, headers: Record<string, string> = {}): NextRequest {
  return new NextRequest(URL, {
    method: "POST",
    headers: { "content-type": FORM, referer: "http://localhost/orders?page=2", ...headers },
    body,
    duplex: "half",
  });
}

function endlessBody(counter: { bytes: number }): ReadableStream<Uint8Array> {
  return new ReadableStream({
    pull(controller) {
      counter.bytes += 512;
      controller.enqueue(new TextEncoder().encode("x".repeat(512)));
    },
  });
}

test("the chosen language is stored and the visitor redirected back", async () => {
  const response = await POST(request("language=de"));

  expect(response.status).toBe(303);
  expect(response.headers.get("location")).toBe("/orders?page=2");
  expect(response.headers.get("set-cookie")).toMatch(/=de;/);
});

test.each(["language=xx", "", "%"])("the unknown choice %j stores nothing", async (body) => {
  const response = await POST(request(body));

  expect(response.status).toBe(303);
  expect(response.headers.get("set-cookie")).toBeNull();
});

test("a large body is refused by its declared length", async () => {
  const response = await POST(request("language=de", { "content-length": "60000000" }));

  expect(response.status).toBe(413);
});

test("an endless body is refused after its first kilobyte", async () => {
  const counter = { bytes: 0 };

  const response = await POST(request(endlessBody(counter)));

  expect(response.status).toBe(413);
  expect(counter.bytes).toBeLessThan(8192);
});
