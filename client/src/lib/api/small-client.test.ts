import createClient from "openapi-fetch";
import { describe, expect, test } from "vitest";
import { createSmallClient } from "./small-client";
import type { Paths } from "./types";

const URL = "http://site.test";
const ID = "0123456789abcdef01234567";

type SmallClient = ReturnType<typeof createSmallClient>;

const CALLS: Record<string, (api: SmallClient) => Promise<unknown>> = {
  "a list": (api) => api.GET("/api/tickets", { params: { query: { q: "a b&c", limit: 2 } } }),
  "a missing query": (api) => api.GET("/api/tickets", { params: { query: {} } }),
  "a single resource": (api) =>
    api.GET("/api/tickets/{ticket_id}", { params: { path: { ticket_id: "a/b?" } } }),
  "a body with headers": (api) =>
    api.PUT("/api/tickets/{ticket_id}", {
      params: { path: { ticket_id: ID } },
      body: { title: "Hamlet", price: "1" },
      headers: { "If-Match": '"1"' },
    }),
  "no body": (api) => api.DELETE("/api/users/sessions"),
};

const RESPONSES: Record<string, () => Response> = {
  json: () => Response.json({ id: ID }),
  nothing: () => new Response(null, { status: 204, headers: { "content-length": "0" } }),
  "an error": () => Response.json({ errors: [{ message: "Not Found" }] }, { status: 404 }),
  "an error that is no JSON": () => new Response("<html>", { status: 502 }),
};

async function observe(
  call: (api: SmallClient) => Promise<unknown>,
  answer: () => Response,
  create: (fetch: (request: Request) => Promise<Response>) => SmallClient,
) {
  const sent: unknown[] = [];
  const api = create(async (request) => {
    const { method, headers } = request;
    const url = request.url.replaceAll("+", "%20"); // both are a space in a query
    sent.push({ method, url, headers: Object.fromEntries(headers), body: await request.text() });
    return answer();
  });
  const { data, error } = (await call(api)) as { data?: unknown; error?: unknown };
  return { sent, data, error };
}

describe.each(Object.entries(CALLS))("%s", (_, call) => {
  test.each(Object.entries(RESPONSES))(
    "answered with %s is as with openapi-fetch",
    async (kind, answer) => {
      const small = await observe(call, answer, (fetch) => createSmallClient(URL, fetch));
      const whole = await observe(call, answer, (fetch) =>
        createClient<Paths>({ baseUrl: URL, fetch }),
      );
      expect(small, kind).toEqual(whole);
    },
  );
});
