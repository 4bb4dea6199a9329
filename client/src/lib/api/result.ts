import type { paths } from "./schema/payments.gen";

type PaymentDeclined = paths["/api/payments"]["post"]["responses"][402];

/** One item of an error response. All services use this shape; only payments sets the codes. */
export type Problem = PaymentDeclined["content"]["application/json"]["errors"][number];

export interface ApiFailure {
  ok: false;
  /** 0 if there was no response. */
  status: number;
  problems: Problem[];
  /** Retry-After, in seconds. */
  retryAfter: number | null;
}

export interface ApiSuccess<T> {
  ok: true;
  status: number;
  data: T;
  /** The cursor of the next page, if there is one. */
  next: string | null;
  /** The server's time in milliseconds, with a resolution of one second. */
  date: number;
}

export type ApiResult<T> = ApiSuccess<T> | ApiFailure;

interface Fetched<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** Converts every outcome of a request, including a network error, into a result. */
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

/** Returns whether the service is unreachable, failing or overloaded. */
export function isUnavailable(result: ApiResult<unknown>): boolean {
  return !result.ok && (result.status === 0 || result.status === 429 || result.status >= 500);
}

/** Returns whether the request may have taken effect, so that a retry must reuse its idempotency key. */
export function isOutcomeUnknown(result: ApiResult<unknown>): boolean {
  return isUnavailable(result) || (!result.ok && result.status === 409);
}

/** Returns whether the user must give the password or a passkey again first (`paths.confirm`). */
export function needsConfirmation(result: ApiResult<unknown>): boolean {
  return !result.ok && result.problems.some(({ field }) => field === "reauthentication");
}

function problemsFrom(error: unknown): Problem[] {
  if (typeof error !== "object" || error === null || !("errors" in error)) return [];
  return Array.isArray(error.errors) ? (error.errors as Problem[]) : [];
}

/** Returns the cursor of the Link header's `rel="next"` (RFC 8288). */
function nextCursor(link: string | null): string | null {
  const target = link?.match(/<([^>]*)>;\s*rel="next"/)?.[1];
  return target ? new URL(target, "http://any.invalid").searchParams.get("cursor") : null;
}
