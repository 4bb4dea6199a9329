"use client";

/** A fresh Idempotency-Key; `randomUUID` would need https. */
function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

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
      this.#key = newKey();
    }
    return this.#key;
  }

  /** An answer came, whatever it was: the next click is a new intent. */
  settled(): void {
    this.#key = "";
  }
}
