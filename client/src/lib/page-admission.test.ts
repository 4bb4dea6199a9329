import { once } from "node:events";
import { createServer, get, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { admitPages } from "./page-admission";

let server: Server;
let base: string;

beforeAll(async () => {
  process.env.ADDRESS_PAGE_BURST = "5";
  server = createServer((_request, response) => response.end("a page"));
  server.on("upgrade", (_request, socket) => socket.end());
  admitPages(server);
  await once(server.listen(0, "127.0.0.1"), "listening");
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => server.close());

describe("a visitor", () => {
  const open = (path: string, address: string, init: RequestInit = {}) =>
    fetch(base + path, { ...init, headers: { "x-forwarded-for": address } });

  test("gets 414 for a query that is expensive to render", async () => {
    expect((await open(`/?${"a&".repeat(2_000)}`, "192.0.2.1")).status).toBe(414);
  });

  test("gets 413 for a body that is larger than any form, or of unknown size", async () => {
    const stream = new Blob(["a=b"]).stream();
    const bodies = [
      { body: "x".repeat(20_000) },
      { body: stream, duplex: "half" },
      { body: "a=b" },
    ];
    const statuses = bodies.map(
      async (init) => (await open("/language", "192.0.2.1", { method: "POST", ...init })).status,
    );
    expect(await Promise.all(statuses)).toEqual([413, 413, 200]);
  });

  test("gets 429 beyond the limit of the address, and others do not", async () => {
    const statuses = await Promise.all(
      Array.from({ length: 9 }, async () => (await open("/x.js", "192.0.2.2")).status),
    );
    const other = await open("/x.js", "192.0.2.3");

    expect(new Set(statuses)).toEqual(new Set([200, 429]));
    expect(other.status).toBe(200);
  });

  test("gets a page, and so counts for the limit, if a connection is to be upgraded", async () => {
    const headers = { connection: "Upgrade", upgrade: "websocket" };
    const [response] = (await once(get(base, { headers }), "response")) as [IncomingMessage];
    response.resume();
    expect(response.statusCode).toBe(200);
  });

  test.each(["/_next/static/chunks/a.js", "/healthz"])("always gets %s", async (path) => {
    const statuses = await Promise.all(
      Array.from({ length: 9 }, async () => (await open(path, "192.0.2.4")).status),
    );
    expect(new Set(statuses)).toEqual(new Set([200]));
  });
});
