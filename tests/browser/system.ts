import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

const ROOT = resolve(import.meta.dirname, "../..");
const PATIENCE_MS = 600_000; // the first start also builds the client

/** Orders expire soon enough to be waited for, late enough to pay in time on a busy machine. */
const EXPIRATION_SECONDS = process.env.ORDER_EXPIRATION_SECONDS ?? "45";

/** Ports of its own, so that it runs beside `make start` and others like it. */
const PORTS = [
  ...["PORT", "CLIENT_PORT", "STRIPE_PORT", "MONGO_PORT", "NATS_PORT", "REDIS_PORT"],
  ...["AUTH_PORT", "TICKETS_PORT", "ORDERS_PORT", "EXPIRATION_PORT", "PAYMENTS_PORT"],
];

async function freePort(): Promise<[number, Server]> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  return [(server.address() as AddressInfo).port, server];
}

async function freePorts(): Promise<Record<string, string>> {
  const held = await Promise.all(PORTS.map(freePort)); // all at once, so that they differ
  await Promise.all(held.map(([, server]) => new Promise((closed) => server.close(closed))));
  return Object.fromEntries(PORTS.map((name, at) => [name, String(held[at]?.[0])]));
}

/** Starts a system for these tests, unless BASE_URL names one that runs; gives how to end it. */
export default async function start(): Promise<(() => Promise<void>) | undefined> {
  if (process.env.BASE_URL) return undefined;
  const ports = await freePorts();
  const home = mkdtempSync(join(tmpdir(), "ticketing-browser-"));
  const system = spawn(join(ROOT, ".venv/bin/python"), ["-m", "ticketing_local", "start"], {
    cwd: ROOT,
    env: {
      ...process.env,
      ...ports,
      TICKETING_HOME: home,
      ORDER_EXPIRATION_SECONDS: EXPIRATION_SECONDS,
      SIGN_UPS_PER_ADDRESS: "100000", // every test is a crowd behind one address
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise<void>((done) => system.once("exit", () => done()));
  const told: string[] = [];
  const ready = (async () => {
    for await (const line of createInterface({ input: system.stdout })) {
      told.push(line);
      if (line.startsWith("Ready")) return;
    }
    throw new Error(`The system did not start:\n${told.join("\n")}`);
  })();
  const tooLong = new Promise<never>((_, fail) => {
    setTimeout(
      () => fail(new Error(`Not ready in time:\n${told.join("\n")}`)),
      PATIENCE_MS,
    ).unref();
  });
  const stop = async () => {
    system.kill("SIGTERM");
    await ended;
    rmSync(home, { recursive: true, force: true });
  };
  try {
    await Promise.race([ready, tooLong]);
  } catch (problem) {
    await stop();
    throw problem;
  }
  system.stdout.resume();
  process.env.BASE_URL = `http://localhost:${ports.PORT}`;
  process.env.TICKETING_HOME = home;
  process.env.ORDER_EXPIRATION_SECONDS = EXPIRATION_SECONDS;
  return stop;
}
