import type { Language } from "./locales";

/** The messages of the error page. Keep them short, because every page's script includes them. */
export const ERROR_PAGE_MESSAGES: Record<Language, Record<"title" | "text" | "retry", string>> = {
  en: {
    title: "Something broke on our side",
    text: "It isn’t your fault, and nothing you paid is lost.",
    retry: "Try again",
  },
  de: {
    title: "Bei uns ist etwas schiefgelaufen",
    text: "Es liegt nicht an dir, und nichts, was du bezahlt hast, ist verloren.",
    retry: "Noch einmal versuchen",
  },
};
