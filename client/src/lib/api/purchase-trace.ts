"use client";

import { randomHex } from "../random-hex";

const TRACE_BYTES = 16;
const SPAN_BYTES = 8;

const storageKey = (orderId: string) => `trace:${orderId}`;

/**
 * Links all requests of a purchase to one trace id (W3C Trace Context). The id of an order is kept in
 * sessionStorage, because the requests are made on two pages. Another tab uses another id.
 */
export class PurchaseTrace {
  readonly #id: string;

  constructor(id = randomHex(TRACE_BYTES)) {
    this.#id = id;
  }

  static forOrder(orderId: string): PurchaseTrace {
    try {
      const id = sessionStorage.getItem(storageKey(orderId));
      if (id !== null) return new PurchaseTrace(id);
    } catch {
      // storage is blocked: start a new trace
    }
    const trace = new PurchaseTrace();
    trace.rememberFor(orderId);
    return trace;
  }

  /** Headers for the next request. Each request is a new span. */
  get headers(): { traceparent: string } {
    return { traceparent: `00-${this.#id}-${randomHex(SPAN_BYTES)}-01` };
  }

  rememberFor(orderId: string): void {
    try {
      sessionStorage.setItem(storageKey(orderId), this.#id);
    } catch {
      // storage is blocked: the payment starts a new trace
    }
  }
}
