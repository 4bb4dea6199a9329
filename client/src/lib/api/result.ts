import type { components as Payments } from "./schema/payments.gen";

/** One thing that is wrong, as every service tells it; only payments names codes. */
export type Problem = Payments["schemas"]["RefusalItem"];

export interface Refusal {
  ok: false;
  /** 0: no answer came at all. */
  status: number;
  problems: Problem[];
  /** Seconds after which asking again makes sense. */
  retryAfter: number | null;
}

export interface Reply<T> {
  ok: true;
  status: number;
  data: T;
  /** Where the next page of a list begins, if there is one. */
  next: string | null;
  /** The server's time, to the second, in milliseconds. */
  date: number;
}

export type Answer<T> = Reply<T> | Refusal;

interface Fetched<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** Turns every outcome of a call, a network that is away included, into a value. */
export async function answerOf<T>(call: Promise<Fetched<T>>): Promise<Answer<T>> {
  let fetched: Fetched<T>;
  try {
    fetched = await call;
  } catch {
    return { ok: false, status: 0, problems: [], retryAfter: null };
  }
  const { data, error, response } = fetched;
  if (!response.ok) {
    return {
      ok: false,
      status: response.status,
      problems: problemsIn(error),
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
export function unavailable(answer: Answer<unknown>): boolean {
  return !answer.ok && (answer.status === 0 || answer.status === 429 || answer.status >= 500);
}

/** Nobody knows yet what came of it: the same again, under the same key, is no second one. */
export function undecided(answer: Answer<unknown>): boolean {
  return unavailable(answer) || (!answer.ok && answer.status === 409);
}

function problemsIn(error: unknown): Problem[] {
  if (typeof error !== "object" || error === null || !("errors" in error)) return [];
  return Array.isArray(error.errors) ? (error.errors as Problem[]) : [];
}

/** Reads the cursor of `rel="next"` (RFC 8288). */
function nextCursor(link: string | null): string | null {
  const target = link?.match(/<([^>]*)>;\s*rel="next"/)?.[1];
  return target ? new URL(target, "http://any.invalid").searchParams.get("cursor") : null;
}
