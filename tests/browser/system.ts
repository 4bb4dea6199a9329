import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

const ROOT = resolve(import.meta.dirname, "../..");
const START_TIMEOUT_MS = 600_000; // the first start builds the client

/** Short enough to wait for an expiration, long enough to pay in time on a busy machine. */
const EXPIRATION_SECONDS = process.env.ORDER_EXPIRATION_SECONDS ?? "45";

/** The port settings. Each gets a free port, so that several systems can run in parallel. */
const PORT_VARIABLES = [
  ...["PORT", "CLIENT_PORT", "STRIPE_PORT", "MONGO_PORT", "NATS_PORT", "REDIS_PORT"],
  ...["INTERNAL_PORT", "MAIL_PORT", "SMTP_PORT"],
  ...["AUTH_PORT", "TICKETS_PORT", "ORDERS_PORT", "EXPIRATION_PORT", "PAYMENTS_PORT"],
];

async function freePort(): Promise<[number, Server]> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  return [(server.address() as AddressInfo).port, server];
}

async function freePorts(): Promise<Record<string, string>> {
  // Reserved together, so that they differ.
  const reserved = await Promise.all(PORT_VARIABLES.map(freePort));
  await Promise.all(reserved.map(([, server]) => new Promise((closed) => server.close(closed))));
  return Object.fromEntries(PORT_VARIABLES.map((name, at) => [name, String(reserved[at]?.[0])]));
}

/** Starts a system and returns how to stop it. Does nothing if BASE_URL is set. */
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
      SIGN_UPS_PER_ADDRESS: "100000", // all users share one address
      LISTINGS_PER_DAY: "100000", // some specs list many tickets of one user
      SHOWS_PER_DAY: "100000",
      UPLOADS_PER_DAY: "100000",
      DECLINES_PER_ADDRESS: "100000",
      DECLINES_PER_CARD: "100000", // and the test cards
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = new Promise<void>((done) => system.once("exit", () => done()));
  const output: string[] = [];
  const ready = (async () => {
    for await (const line of createInterface({ input: system.stdout })) {
      output.push(line);
      if (line.startsWith("Ready")) return;
    }
    throw new Error(`The system did not start:\n${output.join("\n")}`);
  })();
  const timedOut = new Promise<never>((_, reject) => {
    setTimeout(
      () => reject(new Error(`Not ready in time:\n${output.join("\n")}`)),
      START_TIMEOUT_MS,
    ).unref();
  });
  const stop = async () => {
    system.kill("SIGTERM");
    await exited;
    rmSync(home, { recursive: true, force: true });
  };
  try {
    await Promise.race([ready, timedOut]);
  } catch (error) {
    await stop();
    throw error;
  }
  system.stdout.resume();
  process.env.BASE_URL = `http://localhost:${ports.PORT}`;
  process.env.MAIL_PORT = ports.MAIL_PORT;
  process.env.STRIPE_PORT = ports.STRIPE_PORT;
  process.env.TICKETING_HOME = home;
  process.env.ORDER_EXPIRATION_SECONDS = EXPIRATION_SECONDS;
  return stop;
}
