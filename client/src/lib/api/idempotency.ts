"use client";

import { randomHex } from "../random-hex";

const KEY_BYTES = 16;

/**
 * Returns the same key for the same body until it is reset, so that a request without a response can be
 * retried without taking effect twice.
 */
export class IdempotencyKey {
  #body = "";
  #key = "";

  for(body: unknown): string {
    const serialized = JSON.stringify(body);
    if (serialized !== this.#body || this.#key === "") {
      this.#body = serialized;
      this.#key = randomHex(KEY_BYTES);
    }
    return this.#key;
  }

  /** Forgets the key once the outcome is known, so that the next request is a new one. */
  reset(): void {
    this.#key = "";
  }
}
