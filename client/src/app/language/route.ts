import { type NextRequest, NextResponse } from "next/server";
import { localPath } from "@/config/paths";
import { LANGUAGE_COOKIE, LANGUAGES } from "@/i18n/locales";
import { readForm } from "@/lib/form-body";

const YEAR_SECONDS = 31_536_000;
const MAX_BODY_BYTES = 1024;

/** Stores the chosen language in a cookie and redirects back. Works without JavaScript. */
export async function POST(request: NextRequest): Promise<Response> {
  const form = await readForm(request, MAX_BODY_BYTES);
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

function previousPath(request: NextRequest): string {
  const referer = request.headers.get("referer") ?? "";
  if (!URL.canParse(referer)) return localPath(null);
  const { pathname, search } = new URL(referer);
  return pathname.startsWith("/auth/") ? pathname + search : localPath(pathname + search);
}
