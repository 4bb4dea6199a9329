import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

const ROOT = resolve(import.meta.dirname, "../..");
const PATIENCE_MS = 180_000;

/** Orders expire soon enough to be waited for, late enough to pay in time on a busy machine. */
const EXPIRATION_SECONDS = process.env.ORDER_EXPIRATION_SECONDS ?? "45";

/** A block of its own, so that it runs beside `make start`. */
const PORTS = {
  PORT: "18080",
  CLIENT_PORT: "18081",
  STRIPE_PORT: "18082",
  MONGO_PORT: "18083",
  NATS_PORT: "18084",
  REDIS_PORT: "18085",
  AUTH_PORT: "18086",
  TICKETS_PORT: "18087",
  ORDERS_PORT: "18088",
  EXPIRATION_PORT: "18089",
  PAYMENTS_PORT: "18090",
};

/** Starts a system for these tests, unless BASE_URL names one that runs; gives how to end it. */
export default async function start(): Promise<(() => Promise<void>) | undefined> {
  if (process.env.BASE_URL) return undefined;
  const home = mkdtempSync(join(tmpdir(), "ticketing-browser-"));
  const system = spawn(join(ROOT, ".venv/bin/python"), ["-m", "ticketing_local", "start"], {
    cwd: ROOT,
    env: {
      ...process.env,
      ...PORTS,
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
    setTimeout(() => fail(new Error(`Not ready in time:\n${told.join("\n")}`)), PATIENCE_MS).unref();
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
  process.env.BASE_URL = `http://localhost:${PORTS.PORT}`;
  process.env.TICKETING_HOME = home;
  process.env.ORDER_EXPIRATION_SECONDS = EXPIRATION_SECONDS;
  return stop;
}
