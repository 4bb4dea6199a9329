import { EventEmitter } from "node:events";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { FairQueue } from "./fair-queue";

class FakeResponse extends EventEmitter {
  destroyed = false;
  writableFinished = false;

  close({ isFinished }: { isFinished: boolean }) {
    this.writableFinished = isFinished;
    this.destroyed = true;
    this.emit("close");
  }
}

/** A queue, the pages that were started, and the responses by page. */
function pageQueue(maxWaiting = 100, hasTimeLeft = (): boolean => false) {
  const queue = new FairQueue(maxWaiting, hasTimeLeft);
  const started: string[] = [];
  const responses = new Map<string, FakeResponse>();
  const add = (page: string) => {
    const response = new FakeResponse();
    responses.set(page, response);
    const [address = ""] = page;
    return queue.add(address, response, () => started.push(page));
  };
  const finish = (page: string) => responses.get(page)?.close({ isFinished: true });
  const abandon = (page: string) => responses.get(page)?.close({ isFinished: false });
  return { add, started, finish, abandon };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test("addresses take turns, however many pages one of them has asked for", () => {
  const { add, started, finish } = pageQueue();
  for (const page of ["a1", "a2", "a3", "a4", "a5", "b1", "c1", "b2"]) add(page);
  for (let n = 0; n < 8; n++) finish(started[n] ?? "");

  expect(started).toEqual(["a1", "a2", "a3", "b1", "c1", "a4", "b2", "a5"]);
});

test("more pages are started while the thread has time left", () => {
  let isIdle = false;
  const { add, started } = pageQueue(100, () => isIdle);
  for (const page of ["a1", "a2", "a3", "a4"]) add(page);
  expect(started).toEqual(["a1", "a2"]);

  isIdle = true;
  vi.runAllTimers();

  expect(started).toEqual(["a1", "a2", "a3", "a4"]);
});

test("an address with too many waiting pages is refused, and others are not", () => {
  const { add } = pageQueue(2);
  const areAdded = ["a1", "a2", "a3", "a4", "a5", "b1"].map(add);

  expect(areAdded).toEqual([true, true, true, true, false, true]);
});

test("a page whose reader has gone is not rendered", () => {
  const { add, started, finish, abandon } = pageQueue();
  for (const page of ["a1", "a2", "a3", "a4"]) add(page);
  abandon("a3");
  finish("a1");

  expect(started).toEqual(["a1", "a2", "a4"]);
});

test("a page that is abandoned while it is rendered keeps its place for a moment", () => {
  const { add, started, abandon } = pageQueue();
  for (const page of ["a1", "a2", "a3"]) add(page);
  abandon("a1");
  expect(started).toEqual(["a1", "a2"]);

  vi.runAllTimers();

  expect(started).toEqual(["a1", "a2", "a3"]);
});
