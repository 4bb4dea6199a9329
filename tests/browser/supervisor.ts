import { execFileSync } from "node:child_process";
import { join, resolve } from "node:path";

export const ROOT = resolve(import.meta.dirname, "../..");

/** The system's state directory. Without it, tests can't stop services. */
export const HOME = process.env.TICKETING_HOME;

const SUPERVISORCTL = join(ROOT, ".venv/bin/supervisorctl");

/** Starts or stops a service of the system. */
export function supervisorctl(command: "start" | "stop", service: string): void {
  const conf = join(HOME ?? "", "run/supervisord.conf");
  execFileSync(SUPERVISORCTL, ["-c", conf, command, `services:${service}`]);
}
