import type { APIRequestContext } from "@playwright/test";
import { expect } from "./fixtures.ts";

const MAIL_SERVER = `http://127.0.0.1:${process.env.MAIL_PORT ?? 12080}`;

interface Letter {
  subject: string;
  links: string[];
}

async function lettersTo(request: APIRequestContext, to: string): Promise<Letter[]> {
  const response = await request.get(`${MAIL_SERVER}/_local/letters`, {
    params: { to },
    headers: { "X-Mail-Local": "1" },
  });
  return ((await response.json()) as { data: Letter[] }).data;
}

/** Returns the subject of the newest letter to an address. */
export async function subjectTo(request: APIRequestContext, to: string): Promise<string | undefined> {
  return (await lettersTo(request, to)).at(-1)?.subject;
}

/** Returns the path of the link in the newest letter to an address, once the local mail server has it. */
export async function linkTo(request: APIRequestContext, to: string, path: string): Promise<string> {
  let link: string | undefined;
  await expect(async () => {
    const data = await lettersTo(request, to);
    link = data.flatMap(({ links }) => links).findLast((one) => one.includes(path));
    expect(link).toBeDefined();
  }).toPass({ timeout: 30_000 });
  const { pathname, search } = new URL(link!);
  return pathname + search;
}
