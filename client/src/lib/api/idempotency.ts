"use client";

import { randomHex } from "../random-hex";

const KEY_BYTES = 16;

/**
 * Gives the same key for the same intent until its outcome is known, so that a click that got no
 * answer can be repeated without doing the thing twice.
 */
export class Intent {
  #about = "";
  #key = "";

  key(body: unknown): string {
    const about = JSON.stringify(body);
    if (about !== this.#about || this.#key === "") {
      this.#about = about;
      this.#key = randomHex(KEY_BYTES);
    }
    return this.#key;
  }

  /** An answer came, whatever it was: the next click is a new intent. */
  settled(): void {
    this.#key = "";
  }
}
