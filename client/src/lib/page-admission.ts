import "server-only";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { IncomingMessage, RequestListener, Server, ServerResponse } from "node:http";
import { pageBurst, pagesPerSecond, trustedProxies } from "@/config/env";
import { FairQueue } from "./fair-queue";
import { isBodyAllowed, PageLimit, clientNetwork, isQueryTooLong } from "./page-limits";
import { hasTimeLeft } from "./thread-load";

/** Paths that never render a page, whatever follows them. As in `proxy.ts`. */
const NO_PAGE = /^\/(?:_next\/static\/|healthz(?:\?|$))/;

const REQUEST_START = "http.server.request.start";

const REFUSAL_HEADERS = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "content-type": "text/plain; charset=utf-8",
  "retry-after": "1",
  "x-content-type-options": "nosniff",
};

/**
 * Refuses requests that would keep others waiting, and lets the addresses of the others take turns.
 *
 * Next.js has no hook that is early enough: a response of `proxy.ts` costs 4 ms of the only thread. Node
 * announces each request before it calls the listeners of the server that received it.
 */
export function startPageAdmission(): void {
  const onRequestStart = (message: unknown) => {
    unsubscribe(REQUEST_START, onRequestStart);
    admitPages((message as { server: Server }).server);
  };
  subscribe(REQUEST_START, onRequestStart);
}

/** Calls the listeners of a server only for requests that are admitted, when their turn has come. */
export function admitPages(server: Server): void {
  const listeners = server.listeners("request") as RequestListener[];
  const admission = new PageAdmission();
  // Only the development server has WebSockets. Without a listener, Node takes an upgrade as a request.
  if (process.env.NODE_ENV !== "development") server.removeAllListeners("upgrade");
  server.removeAllListeners("request");
  server.on("request", (request, response) => {
    admission.admit(request, response, () => {
      for (const listener of listeners) listener.call(server, request, response);
    });
  });
}

class PageAdmission {
  private readonly limit = new PageLimit(pagesPerSecond(), pageBurst());
  private readonly queue = new FairQueue(
    pagesPerSecond() > 0 ? pageBurst() : Infinity,
    hasTimeLeft,
  );

  admit(request: IncomingMessage, response: ServerResponse, render: () => void): void {
    const { url = "", headers } = request;
    if (NO_PAGE.test(url)) {
      render();
      return;
    }
    if (isQueryTooLong(url)) {
      refuse(response, 414, "The query is too long");
      return;
    }
    if (!isBodyAllowed(headers)) {
      refuse(response, 413, "The request is too large");
      return;
    }
    const forwardedFor = headers["x-forwarded-for"]?.toString() ?? null;
    const network = clientNetwork(forwardedFor, trustedProxies());
    if (!this.limit.take(network) || !this.queue.add(network ?? "", response, render)) {
      refuse(response, 429, "Too many requests, please wait a moment");
    }
  }
}

function refuse(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, REFUSAL_HEADERS).end(message);
}
