"use client";

import { createContext, type ReactNode, useContext, useEffect, useSyncExternalStore } from "react";
import { formatPrice } from "@/lib/money";
import { formatDateTime } from "@/lib/time";

const FormattingContext = createContext({ locale: "en", timeZone: "UTC" });

declare global {
  /** Not in TypeScript's library yet, nor in all browsers. */
  var Temporal: { Now: { timeZoneId: () => string } } | undefined;
}

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
  useEffect(() => {
    const ofBrowser = getBrowserTimeZone();
    if (ofBrowser === timeZone) return;
    const value = encodeURIComponent(ofBrowser);
    document.cookie = `${timeZoneCookie}=${value}; path=/; max-age=31536000; samesite=lax`;
  }, [timeZone, timeZoneCookie]);
  return <FormattingContext value={{ locale, timeZone }}>{props.children}</FormattingContext>;
}

/** The first formatter of dates takes a phone 80 ms, so it is only used where there is no Temporal. */
const getBrowserTimeZone = () =>
  globalThis.Temporal?.Now.timeZoneId() ?? Intl.DateTimeFormat().resolvedOptions().timeZone;

let isZoneKnown = false;

/** Dates change to the browser's time zone in a task of its own after the page has started. */
function subscribeToZone(onChange: () => void): () => void {
  setTimeout(() => {
    isZoneKnown = true;
    onChange();
  });
  return () => undefined;
}

export function useFormattingLocale(): string {
  return useContext(FormattingContext).locale;
}

/** Returns the reader's time zone: UTC until the browser has sent it. */
export function useReaderTimeZone(): string {
  const { timeZone } = useContext(FormattingContext);
  return useSyncExternalStore(
    subscribeToZone,
    () => (isZoneKnown ? getBrowserTimeZone() : timeZone),
    () => timeZone,
  );
}

// Node's and the browser's Unicode data may differ in the kind of space they put into prices and
// dates. Without `suppressHydrationWarning`, React would report that difference.

export function Price({ amount }: { amount: number }) {
  return <span suppressHydrationWarning>{formatPrice(amount, useFormattingLocale())}</span>;
}

export function DateTime({ at }: { at: string }) {
  return (
    <time dateTime={at} suppressHydrationWarning>
      {formatDateTime(at, useFormattingLocale(), useReaderTimeZone())}
    </time>
  );
}
