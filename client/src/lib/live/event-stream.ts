"use client";

import { renewSession } from "../api/browser";

const HIDDEN_MS = 10_000;
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 60_000;

interface Watcher<T> {
  /** Only a signed-in reader may follow this stream. */
  needsSession: boolean;
  changed: (item: T) => void;
  /** Something may have been missed: look anew. */
  missed: () => void;
}

/**
 * Follows a service's event stream while the page is looked at. A page in the background gives its
 * connection back soon, since a browser has only six to a host; coming back, it looks anew. The
 * browser reconnects by itself (with Last-Event-ID); a refused stream (a session that has expired,
 * or a full service) is ours to ask for again, ever more slowly.
 */
export function watch<T>(path: string, event: string, watcher: Watcher<T>): () => void {
  let source: EventSource | undefined;
  let timer: number | undefined;
  let failures = 0;

  function open() {
    close();
    source = new EventSource(path);
    source.addEventListener(event, (message: MessageEvent<string>) => {
      watcher.changed(JSON.parse(message.data) as T);
    });
    source.addEventListener("reset", watcher.missed);
    source.onopen = () => {
      failures = 0;
      watcher.missed(); // between the page's rendering and now
    };
    source.onerror = () => {
      if (source?.readyState === EventSource.CLOSED) retry();
    };
  }

  function close() {
    window.clearTimeout(timer);
    timer = undefined;
    source?.close();
    source = undefined;
  }

  function retry() {
    close();
    const wait =
      Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures) * (0.75 + Math.random() / 2);
    failures += 1;
    timer = window.setTimeout(() => {
      const ready = watcher.needsSession ? renewSession() : Promise.resolve(true);
      void ready.then(() => {
        if (timer !== undefined) open();
      });
    }, wait);
  }

  function onVisibility() {
    if (document.visibilityState === "hidden") {
      window.clearTimeout(timer);
      timer = window.setTimeout(close, HIDDEN_MS);
    } else if (source) window.clearTimeout(timer);
    else open();
  }

  document.addEventListener("visibilitychange", onVisibility);
  if (document.visibilityState === "visible") open();
  return () => {
    document.removeEventListener("visibilitychange", onVisibility);
    close();
  };
}
