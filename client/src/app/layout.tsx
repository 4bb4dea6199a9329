import type { Metadata, Viewport } from "next";
import type { ReactNode } from "react";
import { FocusAfterNavigation } from "@/components/focus-after-navigation";
import { Footer } from "@/components/footer";
import { Header } from "@/components/header/header";
import { LocaleProvider } from "@/components/locale";
import { OfflineBanner } from "@/components/offline-banner";
import { TIME_ZONE_COOKIE } from "@/i18n/locales";
import { getReaderLocale, getTranslations } from "@/i18n/server";
import { getCurrentUser, getUnreadCount, isSessionUnavailable } from "@/lib/api/session";
import { cn } from "@/lib/cn";
import { requestOrigin } from "@/lib/request-origin";
import { headline, text } from "./fonts";
import "./globals.css";

export async function generateMetadata(): Promise<Metadata> {
  const [t, origin] = await Promise.all([getTranslations("Site"), requestOrigin()]);
  return {
    metadataBase: new URL(origin),
    title: { default: t("name"), template: `%s · ${t("name")}` },
    description: t("description"),
    openGraph: { type: "website", siteName: t("name"), description: t("description") },
    twitter: { card: "summary_large_image" },
  };
}

export const viewport: Viewport = {
  themeColor: [
    { media: "(prefers-color-scheme: light)", color: "#f7f4ee" },
    { media: "(prefers-color-scheme: dark)", color: "#151311" },
  ],
};

export default async function Layout({ children }: { children: ReactNode }) {
  const [{ language, locale, timeZone }, user, unread, isUnknown, t] = await Promise.all([
    getReaderLocale(),
    getCurrentUser(),
    getUnreadCount(),
    isSessionUnavailable(),
    getTranslations("Site"),
  ]);
  return (
    <html lang={language} className={cn(text.variable, headline.variable)}>
      <body className="flex min-h-dvh flex-col">
        <a
          href="#content"
          className="absolute top-2 left-2 z-50 -translate-y-20 rounded-full bg-ink px-5 py-3 font-semibold text-paper focus:translate-y-0"
        >
          {t("skip")}
        </a>
        <FocusAfterNavigation />
        <Header user={user} unread={unread} />
        <main
          id="content"
          tabIndex={-1}
          className="mx-auto w-full max-w-6xl px-4 pb-20 outline-none sm:px-6"
        >
          <LocaleProvider locale={locale} timeZone={timeZone} timeZoneCookie={TIME_ZONE_COOKIE}>
            {children}
          </LocaleProvider>
        </main>
        <Footer />
        <OfflineBanner userId={isUnknown ? undefined : (user?.id ?? null)}>
          {t("offline")}
        </OfflineBanner>
      </body>
    </html>
  );
}
