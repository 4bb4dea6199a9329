/* eslint-disable @typescript-eslint/no-require-imports -- evaluates a module when it is called, without a chunk */

declare global {
  interface Window {
    __next_s?: [src: undefined, props: { children: string }][];
  }
}

// Splits the start of a page into several tasks, because Next.js evaluates React, its router and itself in
// one, which blocks the input of a phone for a third of a second. Next.js first waits for the scripts that
// `__next_s` lists, by a timer. The timers here are set before it, so each evaluates its part earlier, in a
// task of its own. A later version of Next.js that does not read the list starts in one task again.
window.__next_s = [[undefined, { children: "" }]];
setTimeout(() => void require("react-dom/client"));
setTimeout(() => void require("next/dist/client/components/app-router-instance"));
setTimeout(() => void require("next/dist/client/components/app-router"));

export {};
