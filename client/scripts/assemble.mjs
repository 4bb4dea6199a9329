// Runs after `next build`: copies the static files into .next/standalone and compresses the scripts.
import { cp, readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress } from "node:zlib";

const compress = promisify(brotliCompress);
const statics = ".next/standalone/.next/static";

await cp(".next/static", statics, { recursive: true });
await cp("public", ".next/standalone/public", { recursive: true });

for (const name of await readdir(statics, { recursive: true })) {
  if (!name.endsWith(".js")) continue;
  const file = join(statics, name);
  await writeFile(`${file}.br`, await compress(await readFile(file)));
}
