import { type NextRequest, NextResponse } from "next/server";
import { localPath } from "@/config/paths";
import { LANGUAGE_COOKIE, LANGUAGES } from "@/i18n/locales";

const YEAR_SECONDS = 31_536_000;
const MAX_BODY_BYTES = 1024;

/** Stores the chosen language in a cookie and redirects back. Works without JavaScript. */
export async function POST(request: NextRequest): Promise<Response> {
  const form = await readForm(request);
  if (!form) return new Response(null, { status: 413 });
  const chosen = form.get("language");
  const language = LANGUAGES.find((each) => each === chosen);
  const response = new NextResponse(null, {
    status: 303,
    headers: { location: previousPath(request) },
  });
  if (language) {
    response.cookies.set(LANGUAGE_COOKIE, language, {
      maxAge: YEAR_SECONDS,
      sameSite: "lax",
      path: "/",
    });
  }
  return response;
}

/** Reads a small form, or returns null; `formData()` would keep a body of any length in memory. */
async function readForm(request: NextRequest): Promise<URLSearchParams | null> {
  if (Number(request.headers.get("content-length") ?? 0) > MAX_BODY_BYTES) return null;
  const reader = request.body?.getReader();
  const decoder = new TextDecoder();
  let [text, length] = ["", 0];
  for (let part = await reader?.read(); part?.value; part = await reader?.read()) {
    length += part.value.byteLength;
    if (length > MAX_BODY_BYTES) {
      await reader?.cancel();
      return null;
    }
    text += decoder.decode(part.value, { stream: true });
  }
  return new URLSearchParams(text);
}

function previousPath(request: NextRequest): string {
  const referer = request.headers.get("referer") ?? "";
  if (!URL.canParse(referer)) return localPath(null);
  const { pathname, search } = new URL(referer);
  return pathname.startsWith("/auth/") ? pathname + search : localPath(pathname + search);
}
