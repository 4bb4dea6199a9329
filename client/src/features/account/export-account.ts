import "server-only";

import { apiUrl } from "@/config/env";
import { paths } from "@/config/paths";
import { pathWithProblems, seeOther } from "@/lib/api/form-submission";
import { pickHeaders } from "@/lib/api/pick-headers";
import { type ApiFailure, toResult } from "@/lib/api/result";

const SERVICES = ["users", "tickets", "orders", "payments"] as const;
const TIMEOUT_MS = 60_000;
const FORWARDED_HEADERS = ["cookie", "x-request-id", "x-forwarded-for"];

/**
 * Returns one file of everything that the services store of the user. They are asked before the file
 * begins, so that a missing service or a session that is too old is a problem on the page.
 */
export async function exportAccount(request: Request): Promise<Response> {
  const headers = pickHeaders(request.headers, FORWARDED_HEADERS);
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const ask = (name: string) =>
    fetch(`${apiUrl()}/api/${name}/export`, { headers, signal, cache: "no-store" });
  const answers = await Promise.allSettled(SERVICES.map(ask));
  const responses = answers.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  for (const answer of answers) {
    const failure = await failureOf(
      answer.status === "fulfilled"
        ? Promise.resolve(answer.value)
        : Promise.reject(new Error("no response", { cause: answer.reason })),
    );
    if (!failure) continue;
    await Promise.allSettled(responses.map(async ({ body }) => body?.cancel()));
    return seeOther(
      failure.status === 401 ? paths.signIn(paths.leave) : pathWithProblems(paths.leave, failure),
    );
  }
  return new Response(toStream(join(responses)), {
    headers: {
      "content-type": "application/json; charset=utf-8",
      "content-disposition": 'attachment; filename="ticketing-account.json"',
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
    },
  });
}

/** Returns why a service does not respond with an export, if it does not. */
async function failureOf(sent: Promise<Response>): Promise<ApiFailure | null> {
  const result = await toResult(
    sent.then(async (response) =>
      response.ok
        ? { data: null, response }
        : { error: (await response.json().catch(() => null)) as unknown, response },
    ),
  );
  return result.ok ? null : result;
}

/** Yields one JSON object with a member for each service. */
async function* join(responses: Response[]): AsyncGenerator<Uint8Array> {
  const encoder = new TextEncoder();
  for (const [index, response] of responses.entries()) {
    yield encoder.encode(`${index ? ",\n" : "{"}"${SERVICES[index]}": `);
    const reader = response.body?.getReader();
    for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
      yield part.value;
    }
  }
  yield encoder.encode("}\n");
}

function toStream(parts: AsyncGenerator<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      const part = await parts.next();
      if (part.done) controller.close();
      else controller.enqueue(part.value);
    },
    async cancel() {
      await parts.return(undefined);
    },
  });
}
