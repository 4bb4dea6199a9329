// Runs after `npm install`. A registry may lack the native packages of some platforms. `npm ci` rejects
// a lock file without them, so this script adds them, without hashes.
import { readFile, writeFile } from "node:fs/promises";

const file = new URL("../package-lock.json", import.meta.url);
const lock = JSON.parse(await readFile(file, "utf8"));
const SYSTEMS = ["android", "darwin", "freebsd", "linux", "openharmony", "win32"];
const PROCESSORS = [
  "arm64",
  "arm",
  "ia32",
  "loong64",
  "ppc64",
  "riscv64",
  "s390x",
  "wasm32",
  "x64",
];

const named = (names, name) => names.find((each) => name.split(/[-/]/).includes(each));

for (const owner of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(owner.optionalDependencies ?? {})) {
    const place = `node_modules/${name}`;
    const [os, cpu] = [named(SYSTEMS, name), named(PROCESSORS, name)];
    if (lock.packages[place] || !/^\d/.test(version) || (!os && !cpu)) continue;
    lock.packages[place] = {
      version,
      ...(cpu && { cpu: [cpu] }),
      ...(owner.dev && { dev: true }),
      ...(owner.license && { license: owner.license }),
      optional: true,
      ...(os && { os: [os] }),
    };
  }
}

lock.packages = Object.fromEntries(
  Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, "en")),
);
await writeFile(file, `${JSON.stringify(lock, null, 2)}\n`);
