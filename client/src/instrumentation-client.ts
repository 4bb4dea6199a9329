/* eslint-disable @typescript-eslint/no-require-imports -- evaluates a module when it is called, without a chunk */

declare global {
  interface Window {
    __next_s?: [src: undefined, props: { children: string }][];
  }
}

// Splits the start of a page into several tasks, so that none of them blocks input for long. Next.js
// evaluates React, its router and itself in one task, in which a phone hears no tap. It first waits for
// what `__next_s` lists (scripts before hydration), which takes it a timer. The timers here were set
// before, so each evaluates its part first, in a task of its own. Should a later version of Next.js not
// read the list, it starts in one task again.
window.__next_s = [[undefined, { children: "" }]];
setTimeout(() => void require("react-dom/client"));
setTimeout(() => void require("next/dist/client/components/app-router-instance"));
setTimeout(() => void require("next/dist/client/components/app-router"));

export {};
