"use client";

import { refreshSession } from "../api/browser";

const CLOSE_WHEN_HIDDEN_MS = 10_000;
const MIN_RETRY_DELAY_MS = 1_000;
const MAX_RETRY_DELAY_MS = 60_000;
const POLL_INTERVAL_MS = 30_000;

interface EventStreamHandlers<T> {
  /** Whether the stream requires a session. */
  needsSession: boolean;
  onChange: (item: T) => void;
  /** Called when events may have been missed. */
  onGap: () => void;
}

/** Returns a delay that differs between clients, so that they do not all come back at once. */
function jittered(delay: number): number {
  return delay * (0.75 + Math.random() / 2);
}

/**
 * Subscribes to a service's event stream while the page is visible, and returns how to unsubscribe. A
 * hidden page closes its connection after ten seconds, because a browser opens only six per host.
 * EventSource reconnects after a network error, but not after an error status (an expired session, a
 * full service), so those are retried here with exponential backoff. A visible page without an open
 * stream calls `onGap` about every 30 seconds, and when it gets the focus.
 */
export function openEventStream<T>(
  path: string,
  event: string,
  handlers: EventStreamHandlers<T>,
): () => void {
  let source: EventSource | undefined;
  let timer: number | undefined;
  let pollTimer: number | undefined;
  let failures = 0;

  function open() {
    close();
    poll();
    source = new EventSource(path);
    source.addEventListener(event, (message: MessageEvent<string>) => {
      handlers.onChange(JSON.parse(message.data) as T);
    });
    source.addEventListener("reset", handlers.onGap);
    source.onopen = () => {
      failures = 0;
      stopPolling();
      handlers.onGap(); // events between rendering and connecting
    };
    source.onerror = () => {
      poll();
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
    const delay = jittered(Math.min(MAX_RETRY_DELAY_MS, MIN_RETRY_DELAY_MS * 2 ** failures));
    failures += 1;
    timer = window.setTimeout(() => {
      const renewed = handlers.needsSession ? refreshSession() : Promise.resolve(true);
      void renewed.then(() => {
        if (timer !== undefined) open();
      });
    }, delay);
  }

  function poll() {
    pollTimer ??= window.setTimeout(() => {
      pollTimer = undefined;
      handlers.onGap();
      poll();
    }, jittered(POLL_INTERVAL_MS));
  }

  function stopPolling() {
    window.clearTimeout(pollTimer);
    pollTimer = undefined;
  }

  function closeWhenHidden() {
    stopPolling();
    close();
  }

  function onVisibility() {
    if (document.visibilityState === "hidden") {
      window.clearTimeout(timer);
      timer = window.setTimeout(closeWhenHidden, CLOSE_WHEN_HIDDEN_MS);
    } else if (source) window.clearTimeout(timer);
    else open();
  }

  function onFocus() {
    if (pollTimer !== undefined) handlers.onGap();
  }

  document.addEventListener("visibilitychange", onVisibility);
  window.addEventListener("focus", onFocus);
  if (document.visibilityState === "visible") open();
  return () => {
    document.removeEventListener("visibilitychange", onVisibility);
    window.removeEventListener("focus", onFocus);
    stopPolling();
    close();
  };
}
