"use client";

import { randomHex } from "../random-hex";

const TRACE_BYTES = 16;
const SPAN_BYTES = 8;

const storageKey = (orderId: string) => `trace:${orderId}`;

/**
 * A purchase is one trace (W3C Trace Context), although it is several requests on several pages: the
 * tab remembers which trace its reservation began. Another tab, or one that may not remember, begins
 * another trace.
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
      // a browser may forbid storage
    }
    const trace = new PurchaseTrace();
    trace.rememberFor(orderId);
    return trace;
  }

  /** The header of the next request; each is a span of its own. */
  get headers(): { traceparent: string } {
    return { traceparent: `00-${this.#id}-${randomHex(SPAN_BYTES)}-01` };
  }

  rememberFor(orderId: string): void {
    try {
      sessionStorage.setItem(storageKey(orderId), this.#id);
    } catch {
      // then its payment is a trace of its own
    }
  }
}
