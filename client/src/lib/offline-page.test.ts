import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const read = (name: string) =>
  readFileSync(new URL(`../../public/pass/${name}`, import.meta.url), "utf8");

test.each(["script", "style"])("the worker's policy allows the offline page's one %s", (name) => {
  const found = [...read("offline.html").matchAll(new RegExp(`<${name}>([^]*?)</${name}>`, "g"))];
  const hashes = found.map(([, text = ""]) => createHash("sha256").update(text).digest("base64"));
  expect(hashes).toHaveLength(1);
  expect(read("worker.js")).toContain(`"${name}-src 'sha256-${hashes[0] ?? ""}'"`);
});
