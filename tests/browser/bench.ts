import type { BrowserContext, CDPSession, Page } from "@playwright/test";
import { readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { resolve } from "node:path";
import {
  BENCH_PAGES,
  type BenchData,
  type BenchPage,
  HOME,
  openMenu,
  prepareData,
} from "./bench-pages.ts";
import { expect, test } from "./fixtures.ts";

const ROOT = resolve(import.meta.dirname, "../..");

/** More than one on a quiet machine only: 28 pages take a minute each time. */
const RUNS = Number(process.env.RUNS ?? 3);
const TICKETS = 24;
const SETTLE_MS = 2_000;
const LONG_TASK_MS = 50;
const HOME_SCRIPT_KB = 130;
const PAGE_SCRIPT_KB = 140;

/** Lighthouse's mid-range phone on slow 4G (throttling constants of Lighthouse 12). */
const PHONE = {
  viewport: { width: 412, height: 823 },
  network: {
    offline: false,
    latency: 150,
    downloadThroughput: 204_800,
    uploadThroughput: 93_750,
  },
  cpu: 4,
};
const DESKTOP = {
  viewport: { width: 1350, height: 940 },
  network: null,
  cpu: 1,
};

interface Metrics {
  LCP: number;
  CLS: number;
  TBT: number;
  INP: number;
  scriptKB: number;
  totalKB: number;
}

/** The columns of the tables, with our budgets. */
const COLUMNS: [keyof Metrics, string, (value: number) => string][] = [
  ["LCP", "LCP (1.2 s)", (value) => `${(value / 1000).toFixed(2)} s`],
  ["CLS", "CLS (0.1)", (value) => value.toFixed(3)],
  ["TBT", "TBT (200 ms)", (value) => `${value} ms`],
  ["INP", "INP (200 ms)", (value) => `${value} ms`],
  ["scriptKB", "script", (value) => `${value} KB`],
  ["totalKB", "total", (value) => `${value} KB`],
];

test("measure the pages", async ({ browser, seller, newUser }) => {
  test.setTimeout(1_800_000);
  for (let count = 0; count < TICKETS; count += 1)
    await seller.list(`Measured ${count}`);
  const user = await newUser();
  const data = await prepareData(seller, user.request);
  const session = await user.storageState();
  const measure = async (page: BenchPage, device: Device) => {
    const runs: Metrics[] = [];
    for (let run = 0; run < RUNS; run += 1) {
      const context = await browser.newContext({
        viewport: device.viewport,
        baseURL: process.env.BASE_URL ?? "",
        serviceWorkers: "block",
        locale: page.german ? "de-DE" : "en-US",
        ...(page.signedIn && { storageState: session }),
      });
      runs.push(await visit(context, page, data, device));
      await context.close();
    }
    return median(runs);
  };
  await measure(HOME, DESKTOP); // warm up the server
  const desktop = await measure(HOME, DESKTOP);
  const results: Record<string, Metrics> = {};
  for (const page of BENCH_PAGES)
    results[page.name] = await measure(page, PHONE);
  console.table(results);
  const home = {
    "phone (CPU 4 times slower, slow 4G)": results[HOME.name]!,
    desktop,
  };
  writeTable("README.md", "home page", home);
  writeTable("client/README.md", "page on the phone", results);
  for (const { name, hasCardForm } of BENCH_PAGES) {
    const limit = name === HOME.name ? HOME_SCRIPT_KB : PAGE_SCRIPT_KB;
    if (!hasCardForm)
      expect.soft(results[name]!.scriptKB, name).toBeLessThan(limit);
  }
});

async function visit(
  context: BrowserContext,
  { path, act }: BenchPage,
  data: BenchData,
  device: Device,
): Promise<Metrics> {
  const page = await context.newPage();
  const session = await context.newCDPSession(page);
  await session.send("Network.enable");
  if (device.network)
    await session.send("Network.emulateNetworkConditions", device.network);
  await session.send("Emulation.setCPUThrottlingRate", { rate: device.cpu });
  const getReceivedKilobytes = countReceivedKilobytes(session);
  await page.goto(await path(data), { waitUntil: "load" });
  await page.waitForTimeout(SETTLE_MS); // collect what loads without user input
  const vitals = await vitalsOf(page);
  const scriptKB = toKilobytes(await page.evaluate(scriptBytes));
  const totalKB = getReceivedKilobytes();
  await page.evaluate(observeInteractions);
  await openMenu(page);
  await act?.(page);
  await page.waitForTimeout(SETTLE_MS);
  const INP = await page.evaluate(
    () => (window as Observed).slowestInteraction ?? 0,
  );
  return { ...vitals, INP, scriptKB, totalKB };
}

type Device = typeof PHONE | typeof DESKTOP;
type Observed = Window & { slowestInteraction?: number };

/** Records the longest time from an input to the next frame. Runs in the page. */
function observeInteractions(): void {
  new PerformanceObserver((list) => {
    const observed = window as Observed;
    for (const entry of list.getEntries() as (PerformanceEntry & {
      interactionId: number;
    })[]) {
      if (entry.interactionId === 0) continue;
      observed.slowestInteraction = Math.max(
        observed.slowestInteraction ?? 0,
        entry.duration,
      );
    }
  }).observe({
    type: "event",
    durationThreshold: 16,
  } as PerformanceObserverInit);
}

const toKilobytes = (bytes: number) => Math.round(bytes / 100) / 10;

/** Counts the received bytes, including headers. */
function countReceivedKilobytes(session: CDPSession): () => number {
  let total = 0;
  session.on(
    "Network.loadingFinished",
    ({ encodedDataLength }) => (total += encodedDataLength),
  );
  return () => toKilobytes(total);
}

/** Returns the compressed size of the page's scripts. Runs in the page. */
function scriptBytes(): number {
  const loaded = performance.getEntriesByType(
    "resource",
  ) as PerformanceResourceTiming[];
  return loaded
    .filter(({ name }) => new URL(name).pathname.endsWith(".js"))
    .reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0);
}

/**
 * Returns what Lighthouse calls so; its total blocking time begins at the first contentful paint.
 */
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
    const firstPaint =
      performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0;
    /** What blocks input after the first paint, beyond what nobody notices. */
    const blockingTime = ({ startTime, duration }: PerformanceEntry) => {
      const end = startTime + duration;
      return Math.max(0, end - Math.max(startTime, firstPaint) - longTask);
    };
    return Promise.all(
      ["largest-contentful-paint", "layout-shift", "longtask"].map(entries),
    ).then(([paints = [], shifts = [], tasks = []]) => ({
      LCP: Math.round(paints.at(-1)?.startTime ?? 0),
      CLS: shifts.reduce(
        (sum, shift) => sum + (shift as unknown as { value: number }).value,
        0,
      ),
      TBT: Math.round(tasks.reduce((sum, task) => sum + blockingTime(task), 0)),
    }));
  }, LONG_TASK_MS);
}

/** Replaces the table between the markers of a README. */
function writeTable(
  name: string,
  heading: string,
  results: Record<string, Metrics>,
): void {
  const row = (cells: string[]) => `| ${cells.join(" | ")} |`;
  const lines = [
    row([heading, ...COLUMNS.map(([, column]) => column)]),
    row(["---", ...COLUMNS.map(() => "---:")]),
    ...Object.entries(results).map(([measured, metrics]) =>
      row([
        measured,
        ...COLUMNS.map(([column, , format]) => format(metrics[column])),
      ]),
    ),
  ];
  const description =
    `First visit, ${TICKETS} tickets listed, ${RUNS === 1 ? "one run" : `median of ${RUNS} runs`}, with ` +
    `client, services, databases and Chromium on the same ${cpus().length} cores (load ${loadavg()[0]?.toFixed(1)}). Budgets in brackets; ` +
    `script: ${HOME_SCRIPT_KB} KB on home, ${PAGE_SCRIPT_KB} KB on pages without a card form. Sizes are ` +
    "compressed; the total includes fonts, styles and headers.";
  const file = resolve(ROOT, name);
  const text = readFileSync(file, "utf8");
  const block = /(<!-- bench-web -->\n)[^]*?(<!-- \/bench-web -->)/;
  if (!block.test(text)) throw new Error(`${name} has no bench-web markers`);
  writeFileSync(
    file,
    text.replace(block, `$1${lines.join("\n")}\n\n${description}\n$2`),
  );
}

function median(runs: Metrics[]): Metrics {
  const medianOf = (name: keyof Metrics) =>
    runs.map((run) => run[name]).sort((a, b) => a - b)[
      Math.floor(runs.length / 2)
    ] ?? 0;
  return {
    LCP: medianOf("LCP"),
    CLS: medianOf("CLS"),
    TBT: medianOf("TBT"),
    INP: medianOf("INP"),
    scriptKB: medianOf("scriptKB"),
    totalKB: medianOf("totalKB"),
  };
}
