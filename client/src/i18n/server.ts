import "server-only";

import { cookies, headers } from "next/headers";
import { cache } from "react";
import { createTranslator, type Messages } from "use-intl/core";
import de from "../../messages/de.json";
import en from "../../messages/en.json";
import { chosenLocale, LANGUAGE_COOKIE, TIME_ZONE_COOKIE, validTimeZone } from "./locales";

const MESSAGES: Record<"en" | "de", Messages> = { en, de };

/** The reader of this page: language, region and, once their browser has told, time zone. */
export const reader = cache(async () => {
  const [jar, head] = await Promise.all([cookies(), headers()]);
  const locale = chosenLocale(jar.get(LANGUAGE_COOKIE)?.value, head.get("accept-language"));
  return { ...locale, timeZone: validTimeZone(jar.get(TIME_ZONE_COOKIE)?.value) ?? "UTC" };
});

/** The words of one part of the site, in the reader's language. */
export async function words<Namespace extends keyof Messages>(namespace: Namespace) {
  const { language } = await reader();
  return createTranslator({ locale: language, messages: MESSAGES[language], namespace });
}

/** The messages that the browser's side of a page needs, and no others. */
export async function messages<Namespace extends keyof Messages>(...namespaces: Namespace[]) {
  const { language } = await reader();
  const all = MESSAGES[language];
  return Object.fromEntries(namespaces.map((name) => [name, all[name]])) as Pick<
    Messages,
    Namespace
  >;
}
