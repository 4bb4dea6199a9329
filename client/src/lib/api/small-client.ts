import type { Client } from "openapi-fetch";
import type { Paths } from "./types";

const METHODS = ["GET", "POST", "PUT", "DELETE"] as const;

type Method = (typeof METHODS)[number];

interface Options {
  params?: { path?: Record<string, string>; query?: Record<string, unknown> };
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  parseAs?: "text";
}

/**
 * Creates an API client with the types of openapi-fetch and what pages use of it, because every page's script
 * includes it: it has a fifth of the size.
 */
export function createSmallClient(
  baseUrl: string,
  fetch: (request: Request) => Promise<Response>,
): Pick<Client<Paths>, Method> {
  const call = async (method: Method, path: string, options: Options = {}) => {
    const { body, signal } = options;
    const headers = new Headers(options.headers);
    if (body !== undefined) headers.set("content-type", "application/json");
    const request = new Request(baseUrl + addressOf(path, options), {
      method,
      headers,
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(signal && { signal }),
    });
    const response = await fetch(request);
    const text = await response.text();
    if (!response.ok) return { error: parseError(text), response };
    const data: unknown = options.parseAs === "text" ? text : text && JSON.parse(text);
    return { data: text === "" ? undefined : data, response };
  };
  const methods = METHODS.map((method) => [method, call.bind(null, method)]);
  return Object.fromEntries(methods) as ReturnType<typeof createSmallClient>;
}

function addressOf(path: string, { params }: Options): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(params?.path?.[name] ?? ""),
  );
  const given = Object.entries(params?.query ?? {}).filter(([, value]) => value != null);
  const query = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return query ? `${filled}?${query}` : filled;
}

function parseError(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
