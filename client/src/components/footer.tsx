import { paths } from "@/config/paths";
import { LANGUAGES } from "@/i18n/locales";
import { getReaderLocale, getTranslations } from "@/i18n/server";
import { Link } from "./link";

const NAMES = { en: "English", de: "Deutsch" };
const INFO_PAGES = ["help", "contact", "terms", "privacy", "imprint"] as const;

export async function Footer() {
  const [t, footer, { language }] = await Promise.all([
    getTranslations("Site"),
    getTranslations("Footer"),
    getReaderLocale(),
  ]);
  return (
    <footer className="mt-auto border-t border-line">
      <div className="mx-auto flex max-w-6xl flex-wrap items-center justify-between gap-4 px-4 py-6 text-sm text-muted sm:px-6">
        <p>{t("promise")}</p>
        <nav aria-label={footer("information")}>
          <ul className="-mx-2 flex flex-wrap">
            {INFO_PAGES.map((page) => (
              <li key={page}>
                <Link
                  href={paths[page]}
                  className="inline-flex min-h-11 items-center px-2 underline-offset-4 hover:underline"
                >
                  {footer(page)}
                </Link>
              </li>
            ))}
          </ul>
        </nav>
        <form
          action="/language"
          method="post"
          aria-label={t("language")}
          className="-mx-3 flex gap-1"
        >
          {LANGUAGES.map((each) => (
            <button
              key={each}
              name="language"
              value={each}
              lang={each}
              aria-pressed={each === language}
              className="min-h-11 rounded-full px-3 hover:bg-well aria-pressed:font-semibold aria-pressed:text-ink"
            >
              {NAMES[each]}
            </button>
          ))}
        </form>
      </div>
    </footer>
  );
}
