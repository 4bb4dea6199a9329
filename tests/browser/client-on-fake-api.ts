import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { resolve } from "node:path";
import type { BrowserContext, Page } from "@playwright/test";
import { expect } from "./fixtures.ts";

const SERVER = resolve(import.meta.dirname, "../../client/.next/standalone/server.js");

export const ID = "0123456789abcdef01234567";

const getPort = (server: Server) => (server.address() as AddressInfo).port;

/** A client of its own on an API whose responses a test chooses, by path. Other paths get `{}`. */
export class ClientOnFakeApi {
  responses: Record<string, unknown> = {};
  /** The addresses that the requests of the client's server named, by path. */
  forwardedFor: Record<string, unknown> = {};
  readonly address: string;
  readonly stop: () => void;

  private constructor(address: string, stop: () => void) {
    this.address = address;
    this.stop = stop;
  }

  static async start(): Promise<ClientOnFakeApi> {
    let fake: ClientOnFakeApi | undefined = undefined;
    const api = createServer((request, response) => {
      const { pathname } = new URL(request.url ?? "", "http://any.invalid");
      if (fake) fake.forwardedFor[pathname] = request.headers["x-forwarded-for"];
      const body = fake && pathname in fake.responses ? fake.responses[pathname] : {};
      response.statusCode = body === null ? 404 : 200;
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify(body ?? { errors: [{ message: "Not Found" }] }));
    }).listen(0);
    await once(api, "listening");
    const reserved = createServer().listen(0);
    await once(reserved, "listening");
    const port = getPort(reserved);
    reserved.close();
    await once(reserved, "close");
    const env = {
      PORT: `${port}`,
      HOSTNAME: "127.0.0.1",
      API_URL: `http://127.0.0.1:${getPort(api)}`,
    };
    const client = spawn(process.execPath, [SERVER], {
      env: { ...process.env, ...env },
      stdio: "ignore",
    });
    fake = new ClientOnFakeApi(`http://127.0.0.1:${port}`, () => {
      client.kill();
      api.close();
    });
    const { address } = fake;
    await expect(async () => {
      expect((await fetch(`${address}/healthz`)).ok).toBe(true);
    }).toPass();
    return fake;
  }

  reset(): void {
    this.responses = {};
    this.forwardedFor = {};
  }

  /** Signs anybody in, and answers the browser's requests to the API like those of the client's server. */
  async signIn(page: Page, context: BrowserContext): Promise<void> {
    this.responses["/api/users/currentuser"] = {
      currentUser: { id: "1", email: "a@example.com" },
    };
    await context.addCookies([{ name: "session", value: "anybody", url: this.address }]);
    await page.route("**/api/**", (route) => {
      const { pathname } = new URL(route.request().url());
      if (pathname.endsWith("/events")) {
        return route.fulfill({
          contentType: "text/event-stream",
          body: ":\n\n",
        });
      }
      const body = pathname in this.responses ? this.responses[pathname] : {};
      return route.fulfill({
        status: body === null ? 404 : 200,
        json: body ?? { errors: [] },
      });
    });
  }
}
