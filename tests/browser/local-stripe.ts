import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "./fixtures.ts";
import { HOME, ROOT, startService, stopService } from "./supervisor.ts";

export interface Transfer {
  id: string;
  amount: number;
  created: number;
  destination: string;
}

interface Ledger {
  balanced: boolean;
  /** In cents, by account and currency. */
  accounts: Record<string, Record<string, { available: number; pending: number }>>;
}

async function call<T>(path: string, body?: object): Promise<T> {
  const response = await fetch(`http://127.0.0.1:${process.env.STRIPE_PORT}${path}`, {
    method: body ? "POST" : "GET",
    headers: {
      "x-stripe-local": "1",
      authorization: "Bearer sk_test_local",
      "content-type": "application/json",
      connection: "close", // the server closes idle connections
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  expect(response.ok, path).toBe(true);
  return (await response.json()) as T;
}

/** The local Stripe server, seen from outside of the system. */
export const localStripe = {
  now: async () => (await call<{ now: number }>("/_local/clock")).now,
  moveClock: (seconds: number) => call("/_local/clock", { seconds }),
  ledger: () => call<Ledger>("/_local/ledger"),
  /** Lets the buyer's bank dispute the payment of a PaymentIntent. */
  openDispute: async (intentId: string) => {
    const intent = await call<{ latest_charge: string }>(`/v1/payment_intents/${intentId}`);
    return call<{ id: string }>("/_local/disputes", { charge: intent.latest_charge });
  },
  loseDispute: (id: string) => call(`/_local/disputes/${id}`, { outcome: "lost" }),
  closeAccount: (id: string) => call(`/v2/core/accounts/${id}/close`, {}),
  transfersOf: async (orderId: string) =>
    (await call<{ data: Transfer[] }>(`/v1/transfers?transfer_group=${orderId}`)).data,
};

/** Replaces payments by one that has other settings and the time of the local Stripe server. */
export async function withPaymentsAtStripesTime(
  settings: Record<string, string>,
  body: () => Promise<void>,
): Promise<void> {
  const launcher = readFileSync(join(HOME ?? "", "run/programs/payments"), "utf8");
  const exports = Object.entries(settings).map(([name, value]) => `export ${name}='${value}'\n`);
  const script = launcher
    .replace("exec ", `${exports.join("")}exec `)
    .replace("payments.app:create_app", "support.moved_clock:create_app");
  stopService("payments");
  const payments = spawn("/bin/sh", ["-c", script], {
    env: { ...process.env, PYTHONPATH: join(ROOT, "tests") },
    stdio: "ignore",
  });
  try {
    await body();
  } finally {
    await stop(payments);
    await startService("payments");
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  await exited;
}
