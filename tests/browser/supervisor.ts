import { execFileSync } from "node:child_process";
import { join, resolve } from "node:path";
import { expect } from "./fixtures.ts";

export const ROOT = resolve(import.meta.dirname, "../..");

/** The system's state directory. Without it, tests can't stop services. */
export const HOME = process.env.TICKETING_HOME;

const SUPERVISORCTL = join(ROOT, ".venv/bin/supervisorctl");

/** What each service answers through the gateway as soon as it is ready. */
const READY_PATHS: Record<string, string> = {
  auth: "/api/users/openapi.json",
  tickets: "/api/tickets/openapi.json",
  orders: "/api/orders/openapi.json",
  payments: "/api/payments/openapi.json",
  client: "/",
};

function supervisorctl(command: "start" | "stop", service: string): void {
  const conf = join(HOME ?? "", "run/supervisord.conf");
  execFileSync(SUPERVISORCTL, ["-c", conf, command, `services:${service}`]);
}

export const stopService = (service: string) => supervisorctl("stop", service);

/** Starts a service and waits until it answers, because the next test needs it. */
export async function startService(service: string): Promise<void> {
  supervisorctl("start", service);
  const address = `${process.env.BASE_URL}${READY_PATHS[service]}`;
  await expect(async () => {
    expect((await fetch(address)).status).toBe(200);
  }).toPass({ timeout: 60_000 });
}
