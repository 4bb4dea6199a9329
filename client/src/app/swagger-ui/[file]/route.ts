import { readFile } from "node:fs/promises";
import { join } from "node:path";

const CONTENT_TYPES = {
  "swagger-ui-bundle.js": "text/javascript",
  "swagger-ui.css": "text/css",
  "swagger-ui-bundle.js.LICENSE.txt": "text/plain",
  LICENSE: "text/plain",
  NOTICE: "text/plain",
};

export const dynamic = "force-static";
export const dynamicParams = false;

export function generateStaticParams() {
  return Object.keys(CONTENT_TYPES).map((file) => ({ file }));
}

/** Serves Swagger UI, with its licenses, to the API documentation of the services (`/api/docs`). */
export async function GET(_: Request, { params }: RouteContext<"/swagger-ui/[file]">) {
  const { file } = await params;
  const content = await readFile(join(process.cwd(), "node_modules/swagger-ui-dist", file));
  const type = CONTENT_TYPES[file as keyof typeof CONTENT_TYPES];
  return new Response(content, {
    headers: { "content-type": `${type}; charset=utf-8`, "cache-control": "public, max-age=3600" },
  });
}
