"use client";

import { randomHex } from "../random-hex";

const KEY_BYTES = 16;

/**
 * Gives the same key for the same intent until its outcome is known, so that a click that got no
 * answer can be repeated without doing the thing twice.
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

  /** An answer came, whatever it was: the next click is a new intent. */
  reset(): void {
    this.#key = "";
  }
}
