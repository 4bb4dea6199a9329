import type { Language } from "./locales";

/** The words of a page that broke. They are in every page's script, so they are few. */
export const ERROR_PAGE_MESSAGES: Record<Language, Record<"title" | "text" | "retry", string>> = {
  en: {
    title: "Something broke on our side",
    text: "It isn’t your fault, and nothing you paid is lost.",
    retry: "Try again",
  },
  de: {
    title: "Bei uns ist etwas kaputtgegangen",
    text: "Es liegt nicht an dir, und nichts, was du bezahlt hast, ist verloren.",
    retry: "Noch einmal versuchen",
  },
};
