import "server-only";

import { cookies, headers } from "next/headers";
import { cache } from "react";
import { createTranslator, type Messages } from "use-intl/core";
import { kept } from "@/lib/formatters";
import de from "../../messages/de.json";
import en from "../../messages/en.json";
import { compileMessages } from "./compile-messages";
import { LANGUAGE_COOKIE, negotiateLocale, parseTimeZone, TIME_ZONE_COOKIE } from "./locales";

const MESSAGES = { en: compileMessages(en), de: compileMessages(de) };

/** Returns the user's language, formatting locale and time zone (UTC until the browser has set it). */
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

/** Returns the translator of a namespace, for server components. */
export async function getTranslations<Namespace extends keyof Messages>(namespace: Namespace) {
  const { language } = await getReaderLocale();
  return kept(`translator ${language} ${namespace}`, () =>
    createTranslator({ locale: language, messages: MESSAGES[language], namespace }),
  );
}

/** Returns the messages of the given namespaces, for client components. */
export async function getMessages<Namespace extends keyof Messages>(...namespaces: Namespace[]) {
  const { language } = await getReaderLocale();
  const all = MESSAGES[language];
  return Object.fromEntries(namespaces.map((name) => [name, all[name]])) as Pick<
    Messages,
    Namespace
  >;
}
