import type { Browser, CDPSession, Page } from "@playwright/test";
import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { resolve } from "node:path";
import { expect, test } from "./fixtures.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const README_FILES = ["README.md", "client/README.md"];

const RUNS = 5;
const TICKETS = 24;
const SETTLE_MS = 2_000;
const LONG_TASK_MS = 50;
const SCRIPT_BUDGET_KB = 130;

/** Lighthouse's mid-range phone on slow 4G (throttling constants of Lighthouse 12). */
const PHONE = {
  viewport: { width: 412, height: 823 },
  network: { offline: false, latency: 150, downloadThroughput: 204_800, uploadThroughput: 93_750 },
  cpu: 4,
};
const DESKTOP = { viewport: { width: 1350, height: 940 }, network: null, cpu: 1 };

interface Metrics {
  LCP: number;
  CLS: number;
  TBT: number;
  scriptKB: number;
  totalKB: number;
}

/** The columns of the table, with web.dev's "good" thresholds and our script budget. */
const COLUMNS: [keyof Metrics, string, (value: number) => string][] = [
  ["LCP", "LCP (good: 2.5 s)", (value) => `${(value / 1000).toFixed(2)} s`],
  ["CLS", "CLS (good: 0.1)", (value) => value.toFixed(3)],
  ["TBT", "TBT (good: 200 ms)", (value) => `${value} ms`],
  ["scriptKB", `script (at most ${SCRIPT_BUDGET_KB} KB)`, (value) => `${value} KB`],
  ["totalKB", "total", (value) => `${value} KB`],
];

test("measure the home page", async ({ browser, seller }) => {
  for (let count = 0; count < TICKETS; count += 1) await seller.list(`Measured ${count}`);
  const results: Record<string, Metrics> = {};
  await visit(browser, DESKTOP); // warm up the server
  for (const [name, device] of Object.entries({
    "phone (CPU 4 times slower, slow 4G)": PHONE,
    desktop: DESKTOP,
  })) {
    const runs: Metrics[] = [];
    for (let run = 0; run < RUNS; run += 1) runs.push(await visit(browser, device));
    results[name] = median(runs);
  }
  console.table(results);
  writeTables(results);
  for (const { scriptKB } of Object.values(results))
    expect(scriptKB).toBeLessThan(SCRIPT_BUDGET_KB);
});

async function visit(browser: Browser, device: typeof PHONE | typeof DESKTOP): Promise<Metrics> {
  const context = await browser.newContext({
    viewport: device.viewport,
    baseURL: process.env.BASE_URL ?? "",
    serviceWorkers: "block",
  });
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  await session.send("Network.enable");
  if (device.network) await session.send("Network.emulateNetworkConditions", device.network);
  await session.send("Emulation.setCPUThrottlingRate", { rate: device.cpu });
  const getReceivedKilobytes = countReceivedKilobytes(session);
  await page.goto("/", { waitUntil: "load" });
  await page.waitForTimeout(SETTLE_MS); // collect what loads without user input
  const vitals = await vitalsOf(page);
  const scriptKB = toKilobytes(await page.evaluate(scriptBytes));
  await context.close();
  return { ...vitals, scriptKB, totalKB: getReceivedKilobytes() };
}

const toKilobytes = (bytes: number) => Math.round(bytes / 100) / 10;

/** Counts the received bytes, including headers. */
function countReceivedKilobytes(session: CDPSession): () => number {
  let total = 0;
  session.on("Network.loadingFinished", ({ encodedDataLength }) => (total += encodedDataLength));
  return () => toKilobytes(total);
}

/** Returns the compressed size of the page's scripts. Runs in the page. */
function scriptBytes(): number {
  const loaded = performance.getEntriesByType("resource") as PerformanceResourceTiming[];
  return loaded
    .filter(({ name }) => new URL(name).pathname.endsWith(".js"))
    .reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0);
}

function vitalsOf(page: Page): Promise<Pick<Metrics, "LCP" | "CLS" | "TBT">> {
  return page.evaluate((longTask) => {
    const entries = (type: string) =>
      new Promise<PerformanceEntryList>((done) => {
        new PerformanceObserver((list) => done(list.getEntries())).observe({
          type,
          buffered: true,
        });
        setTimeout(() => done([]), 200);
      });
    return Promise.all(["largest-contentful-paint", "layout-shift", "longtask"].map(entries)).then(
      ([paints = [], shifts = [], tasks = []]) => ({
        LCP: Math.round(paints.at(-1)?.startTime ?? 0),
        CLS: shifts.reduce((sum, shift) => sum + (shift as unknown as { value: number }).value, 0),
        TBT: Math.round(tasks.reduce((sum, task) => sum + task.duration - longTask, 0)),
      }),
    );
  }, LONG_TASK_MS);
}

/** Replaces the tables between the markers in the READMEs. */
function writeTables(results: Record<string, Metrics>): void {
  const row = (cells: string[]) => `| ${cells.join(" | ")} |`;
  const lines = [
    row(["home page", ...COLUMNS.map(([, heading]) => heading)]),
    row(["---", ...COLUMNS.map(() => "---:")]),
    ...Object.entries(results).map(([device, measured]) =>
      row([device, ...COLUMNS.map(([name, , format]) => format(measured[name]))]),
    ),
  ];
  const description =
    `First visit with ${TICKETS} tickets, median of ${RUNS} runs, with client, services, databases ` +
    `and Chromium on the same ${cpus().length} cores. Sizes are compressed; the total includes fonts, ` +
    "styles and headers.";
  for (const name of README_FILES) {
    const file = resolve(ROOT, name);
    const text = readFileSync(file, "utf8");
    const block = /(<!-- bench-web -->\n)[^]*?(<!-- \/bench-web -->)/;
    if (!block.test(text)) throw new Error(`${name} has no bench-web markers`);
    writeFileSync(file, text.replace(block, `$1${lines.join("\n")}\n\n${description}\n$2`));
  }
}

function median(runs: Metrics[]): Metrics {
  const medianOf = (name: keyof Metrics) =>
    runs.map((run) => run[name]).sort((a, b) => a - b)[Math.floor(runs.length / 2)] ?? 0;
  return {
    LCP: medianOf("LCP"),
    CLS: medianOf("CLS"),
    TBT: medianOf("TBT"),
    scriptKB: medianOf("scriptKB"),
    totalKB: medianOf("totalKB"),
  };
}
