"use client";

import { createContext, type ReactNode, useContext, useEffect, useSyncExternalStore } from "react";
import { formatPrice } from "@/lib/money";
import { formatDateTime } from "@/lib/time";

const FormattingContext = createContext({ locale: "en", timeZone: "UTC", timeZoneCookie: "tz" });

const subscribeToNothing = () => () => undefined;

/**
 * Provides the locale for prices and dates, and the time zone. The server reads the time zone from a
 * cookie, which this component sets on the first visit.
 */
export function LocaleProvider(props: {
  locale: string;
  timeZone: string;
  timeZoneCookie: string;
  children: ReactNode;
}) {
  const { locale, timeZone, timeZoneCookie } = props;
  const browserTimeZone = useBrowserTimeZone(timeZone);
  useEffect(() => {
    if (browserTimeZone !== timeZone) {
      const value = encodeURIComponent(browserTimeZone);
      document.cookie = `${timeZoneCookie}=${value}; path=/; max-age=31536000; samesite=lax`;
    }
  }, [browserTimeZone, timeZone, timeZoneCookie]);
  return (
    <FormattingContext value={{ locale, timeZone, timeZoneCookie }}>
      {props.children}
    </FormattingContext>
  );
}

function useBrowserTimeZone(serverTimeZone: string): string {
  return useSyncExternalStore(
    subscribeToNothing,
    () => Intl.DateTimeFormat().resolvedOptions().timeZone,
    () => serverTimeZone,
  );
}

export function useFormattingLocale(): string {
  return useContext(FormattingContext).locale;
}

/** Returns the reader's time zone: UTC until the browser has sent it. */
export function useReaderTimeZone(): string {
  return useBrowserTimeZone(useContext(FormattingContext).timeZone);
}

// Node's and the browser's Unicode data may differ in the kind of space they put into prices and
// dates. Without `suppressHydrationWarning`, React would report that difference.

export function Price({ amount }: { amount: number }) {
  return <span suppressHydrationWarning>{formatPrice(amount, useFormattingLocale())}</span>;
}

export function DateTime({ at }: { at: string }) {
  const { locale } = useContext(FormattingContext);
  return (
    <time dateTime={at} suppressHydrationWarning>
      {formatDateTime(at, locale, useReaderTimeZone())}
    </time>
  );
}
