import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { resolve } from "node:path";
import { expectAccessible } from "./accessibility.ts";
import { expect, test } from "./people.ts";

const SERVER = resolve(import.meta.dirname, "../../client/.next/standalone/server.js");

test.skip(!process.env.TICKETING_HOME, "needs the client that was built for the system at hand");

/** What the tickets service says: nothing that can be rendered, until it is mended. */
let nonsense: boolean;
let api: Server;
let client: ChildProcess;
let address: string;

const portOf = (server: Server) => (server.address() as AddressInfo).port;

test.beforeAll(async () => {
  nonsense = true;
  api = createServer((request, response) => {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(request.url?.startsWith("/api/tickets") && !nonsense ? [] : {}));
  }).listen(0);
  await once(api, "listening");
  const free = createServer().listen(0);
  await once(free, "listening");
  const port = portOf(free);
  free.close();
  await once(free, "close");
  address = `http://127.0.0.1:${port}`;
  const env = {
    PORT: `${port}`,
    HOSTNAME: "127.0.0.1",
    API_URL: `http://127.0.0.1:${portOf(api)}`,
  };
  client = spawn(process.execPath, [SERVER], { env: { ...process.env, ...env }, stdio: "ignore" });
  await expect(async () => {
    expect((await fetch(`${address}/healthz`)).ok).toBe(true);
  }).toPass();
});

test.afterAll(() => {
  client.kill();
  api.close();
});

test("a page that breaks says so, inside the frame of the site, and can be tried again", async ({
  page,
}) => {
  await page.goto(address);
  await expect(page.getByRole("heading", { name: "Something broke on our side" })).toBeVisible();
  await expect(page.getByRole("link", { name: "Sign in" })).toBeVisible();
  await expectAccessible(page);

  nonsense = false;
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(page.getByRole("heading", { name: "Nothing for sale right now" })).toBeVisible();
});
