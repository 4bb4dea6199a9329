import type { paths } from "./schema/payments.gen";

type PaymentDeclined = paths["/api/payments"]["post"]["responses"][402];

/** One item of an error response. All services use this shape; only payments sets the codes. */
export type Problem = PaymentDeclined["content"]["application/json"]["errors"][number];

export interface ApiFailure {
  ok: false;
  /** 0: no answer came at all. */
  status: number;
  problems: Problem[];
  /** Seconds after which asking again makes sense. */
  retryAfter: number | null;
}

export interface ApiSuccess<T> {
  ok: true;
  status: number;
  data: T;
  /** Where the next page of a list begins, if there is one. */
  next: string | null;
  /** The server's time, to the second, in milliseconds. */
  date: number;
}

export type ApiResult<T> = ApiSuccess<T> | ApiFailure;

interface Fetched<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** Turns every outcome of a call, a network that is away included, into a value. */
export async function toResult<T>(request: Promise<Fetched<T>>): Promise<ApiResult<T>> {
  let fetchResult: Fetched<T>;
  try {
    fetchResult = await request;
  } catch {
    return { ok: false, status: 0, problems: [], retryAfter: null };
  }
  const { data, error, response } = fetchResult;
  if (!response.ok) {
    return {
      ok: false,
      status: response.status,
      problems: problemsFrom(error),
      retryAfter: Number(response.headers.get("retry-after")) || null,
    };
  }
  return {
    ok: true,
    status: response.status,
    data: data as T,
    next: nextCursor(response.headers.get("link")),
    date: Date.parse(response.headers.get("date") ?? "") || Date.now(),
  };
}

/** Nothing is wrong with what was asked: the service is away, or busy. */
export function isUnavailable(result: ApiResult<unknown>): boolean {
  return !result.ok && (result.status === 0 || result.status === 429 || result.status >= 500);
}

/** Nobody knows yet what came of it: the same again, under the same key, is no second one. */
export function isOutcomeUnknown(result: ApiResult<unknown>): boolean {
  return isUnavailable(result) || (!result.ok && result.status === 409);
}

function problemsFrom(error: unknown): Problem[] {
  if (typeof error !== "object" || error === null || !("errors" in error)) return [];
  return Array.isArray(error.errors) ? (error.errors as Problem[]) : [];
}

/** Reads the cursor of `rel="next"` (RFC 8288). */
function nextCursor(link: string | null): string | null {
  const target = link?.match(/<([^>]*)>;\s*rel="next"/)?.[1];
  return target ? new URL(target, "http://any.invalid").searchParams.get("cursor") : null;
}
