// Checks how much script each page loads at once: the compressed size of its chunks in the build's
// manifests. What a page loads on demand is measured in a browser by `make bench-web`.
import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const HOME_KB = 130;
const PAGE_KB = 140;

const client = fileURLToPath(new URL("..", import.meta.url));
const SOURCES = ["src", "messages", "scripts", "next.config.ts", "package-lock.json"];

/** Returns the pages of a build with the kilobytes of their scripts, the largest first. */
export function pageSizes(build) {
  const { rootMainFiles } = JSON.parse(readFileSync(join(build, "build-manifest.json"), "utf8"));
  const kilobytes = (files) => {
    const size = (file) => statSync(join(build, "standalone/.next", `${file}.br`)).size;
    return files.reduce((sum, file) => sum + size(file), 0) / 1000;
  };
  const app = join(build, "server/app");
  return readdirSync(app, { recursive: true })
    .filter((name) => name.endsWith("page_client-reference-manifest.js"))
    .flatMap((name) => {
      const scope = {};
      new Function("globalThis", readFileSync(join(app, name), "utf8"))(scope);
      return Object.entries(scope.__RSC_MANIFEST);
    })
    .map(([entry, { entryJSFiles }]) => {
      const chunks = Object.values(entryJSFiles).flat();
      const files = [...new Set([...rootMainFiles, ...chunks])];
      return { page: entry.replace(/\/page$/, "") || "/", kilobytes: kilobytes(files) };
    })
    .sort((a, b) => b.kilobytes - a.kilobytes);
}

function newestChange(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => newestChange(join(path, name))));
}

function isBuilt(build) {
  const at = statSync(join(build, "standalone/server.js"), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return SOURCES.every((source) => newestChange(join(client, source)) < at);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const build = join(client, ".next");
  if (!isBuilt(build)) execFileSync("npm", ["run", "--silent", "build"], { cwd: client });
  const pages = pageSizes(build);
  const tooLarge = pages.filter(
    ({ page, kilobytes }) => kilobytes > (page === "/" ? HOME_KB : PAGE_KB),
  );
  for (const { page, kilobytes } of process.argv.includes("--all") ? pages : tooLarge) {
    console.log(`${kilobytes.toFixed(1).padStart(6)} KB  ${page}`);
  }
  if (pages.length === 0 || tooLarge.length > 0) {
    console.error(`A page loads at most ${PAGE_KB} KB of script, the home page ${HOME_KB} KB.`);
    process.exit(1);
  }
}
