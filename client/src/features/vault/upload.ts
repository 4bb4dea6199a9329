"use client";

import { api } from "@/lib/api/browser";
import { type ApiResult, toResult } from "@/lib/api/result";
import type { Ticket } from "@/lib/api/types";

const UNAUTHORIZED = 401;

/**
 * Sends a file as the body of a request, with progress, which fetch() does not report. First asks for
 * something small, so that an expired session is refreshed before the file is on its way.
 */
export async function uploadFile(
  ticketId: string,
  file: File,
  options: { signal: AbortSignal; onProgress: (share: number) => void },
): Promise<ApiResult<Ticket>> {
  const { signal } = options;
  const params = { query: { limit: 1 } };
  const session = await toResult(api.GET("/api/tickets/mine", { params, signal }));
  if (!session.ok && [0, UNAUTHORIZED].includes(session.status)) return session;
  return toResult<Ticket>(send(`/api/tickets/${ticketId}/file`, file, options));
}

function send(
  path: string,
  file: File,
  { signal, onProgress }: { signal: AbortSignal; onProgress: (share: number) => void },
): Promise<{ data?: Ticket; error?: unknown; response: Response }> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("PUT", path);
    request.setRequestHeader("content-type", file.type);
    request.upload.onprogress = ({ loaded, total }) => onProgress(total > 0 ? loaded / total : 0);
    request.onload = () => {
      const body = parse(request.responseText);
      const headers = { "retry-after": request.getResponseHeader("retry-after") ?? "" };
      const response = new Response(null, { status: request.status, headers });
      resolve(response.ok ? { data: body as Ticket, response } : { error: body, response });
    };
    request.onerror = () => reject(new Error("no response"));
    request.onabort = () => reject(new Error("cancelled"));
    signal.addEventListener("abort", () => request.abort());
    request.send(file);
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
