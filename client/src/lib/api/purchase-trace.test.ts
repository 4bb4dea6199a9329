import { afterEach, expect, test, vi } from "vitest";
import { PurchaseTrace } from "./purchase-trace";

function storage() {
  const kept = new Map<string, string>();
  return {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
  };
}

const idsOf = ({ headers }: PurchaseTrace) => headers.traceparent.split("-").slice(1, 3);

afterEach(() => vi.unstubAllGlobals());

test("the payment of an order belongs to the trace that its reservation began", () => {
  vi.stubGlobal("sessionStorage", storage());
  const reserving = new PurchaseTrace();
  expect(reserving.headers.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  reserving.rememberFor("65a");
  const [trace, span] = idsOf(reserving);
  const [paying, another] = idsOf(PurchaseTrace.forOrder("65a"));
  expect(paying).toBe(trace);
  expect(another).not.toBe(span);
});

test("an order that this tab did not place has one trace from here on, and not another's", () => {
  vi.stubGlobal("sessionStorage", storage());
  const [trace] = idsOf(PurchaseTrace.forOrder("65a"));
  expect(idsOf(PurchaseTrace.forOrder("65a"))[0]).toBe(trace);
  expect(idsOf(PurchaseTrace.forOrder("65b"))[0]).not.toBe(trace);
});

test("where nothing may be kept, a purchase goes on, in traces of its own", () => {
  const forbid = () => {
    throw new DOMException("The operation is insecure.", "SecurityError");
  };
  vi.stubGlobal("sessionStorage", { getItem: forbid, setItem: forbid });
  new PurchaseTrace().rememberFor("65a");
  expect(PurchaseTrace.forOrder("65a").headers.traceparent).toMatch(/^00-[0-9a-f]{32}-/);
});
