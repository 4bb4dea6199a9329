import "server-only";

/**
 * Returns a signal that aborts a request after a time. A response that has arrived while this process was
 * busy is read first, because then it was not the service that was slow.
 */
export function timeLimit(milliseconds: number): AbortSignal {
  const controller = new AbortController();
  const abort = () => controller.abort(new DOMException("Timed out", "TimeoutError"));
  setTimeout(() => setImmediate(abort), milliseconds).unref();
  return controller.signal;
}
