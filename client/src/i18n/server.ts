import "server-only";

import { cookies, headers } from "next/headers";
import { cache } from "react";
import { createTranslator, type Messages } from "use-intl/core";
import de from "../../messages/de.json";
import en from "../../messages/en.json";
import { negotiateLocale, LANGUAGE_COOKIE, TIME_ZONE_COOKIE, parseTimeZone } from "./locales";

const MESSAGES: Record<"en" | "de", Messages> = { en, de };

/** The reader of this page: language, region and, once their browser has told, time zone. */
export const getReaderLocale = cache(async () => {
  const [cookieStore, headerList] = await Promise.all([cookies(), headers()]);
  const locale = negotiateLocale(
    cookieStore.get(LANGUAGE_COOKIE)?.value,
    headerList.get("accept-language"),
  );
  return {
    ...locale,
    timeZone: parseTimeZone(cookieStore.get(TIME_ZONE_COOKIE)?.value) ?? "UTC",
  };
});

/** The words of one part of the site, in the reader's language. */
export async function getTranslations<Namespace extends keyof Messages>(namespace: Namespace) {
  const { language } = await getReaderLocale();
  return createTranslator({ locale: language, messages: MESSAGES[language], namespace });
}

/** The messages that the browser's side of a page needs, and no others. */
export async function getMessages<Namespace extends keyof Messages>(...namespaces: Namespace[]) {
  const { language } = await getReaderLocale();
  const all = MESSAGES[language];
  return Object.fromEntries(namespaces.map((name) => [name, all[name]])) as Pick<
    Messages,
    Namespace
  >;
}
