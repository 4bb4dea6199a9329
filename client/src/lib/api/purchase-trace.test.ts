import { afterEach, expect, test, vi } from "vitest";
import { PurchaseTrace } from "./purchase-trace";

function fakeStorage() {
  const items = new Map<string, string>();
  return {
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, value: string) => void items.set(key, value),
  };
}

const traceAndSpanOf = ({ headers }: PurchaseTrace) => headers.traceparent.split("-").slice(1, 3);

afterEach(() => vi.unstubAllGlobals());

test("the payment of an order continues the trace of its reservation", () => {
  vi.stubGlobal("sessionStorage", fakeStorage());
  const reserving = new PurchaseTrace();
  expect(reserving.headers.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  reserving.rememberFor("65a");
  const [trace, span] = traceAndSpanOf(reserving);
  const [paying, another] = traceAndSpanOf(PurchaseTrace.forOrder("65a"));
  expect(paying).toBe(trace);
  expect(another).not.toBe(span);
});

test("an order placed in another tab gets a trace of its own", () => {
  vi.stubGlobal("sessionStorage", fakeStorage());
  const [trace] = traceAndSpanOf(PurchaseTrace.forOrder("65a"));
  expect(traceAndSpanOf(PurchaseTrace.forOrder("65a"))[0]).toBe(trace);
  expect(traceAndSpanOf(PurchaseTrace.forOrder("65b"))[0]).not.toBe(trace);
});

test("without sessionStorage every request starts a new trace", () => {
  const forbid = () => {
    throw new DOMException("The operation is insecure.", "SecurityError");
  };
  vi.stubGlobal("sessionStorage", { getItem: forbid, setItem: forbid });
  new PurchaseTrace().rememberFor("65a");
  expect(PurchaseTrace.forOrder("65a").headers.traceparent).toMatch(/^00-[0-9a-f]{32}-/);
});
