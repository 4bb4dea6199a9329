"use client";

import { createContext, type ReactNode, useContext, useEffect, useSyncExternalStore } from "react";
import { formatPrice } from "@/lib/money";
import { formatMoment } from "@/lib/time";

const Region = createContext({ region: "en", timeZone: "UTC", timeZoneCookie: "tz" });

const never = () => () => undefined;

/** The reader's way of writing prices and dates, and their time zone as far as it is known. */
export function RegionProvider(props: {
  region: string;
  timeZone: string;
  timeZoneCookie: string;
  children: ReactNode;
}) {
  const { region, timeZone, timeZoneCookie } = props;
  const own = useOwnTimeZone(timeZone);
  useEffect(() => {
    if (own !== timeZone) {
      const value = encodeURIComponent(own);
      document.cookie = `${timeZoneCookie}=${value}; path=/; max-age=31536000; samesite=lax`;
    }
  }, [own, timeZone, timeZoneCookie]);
  return <Region value={{ region, timeZone, timeZoneCookie }}>{props.children}</Region>;
}

function useOwnTimeZone(told: string): string {
  return useSyncExternalStore(
    never,
    () => Intl.DateTimeFormat().resolvedOptions().timeZone,
    () => told,
  );
}

export function useRegion(): string {
  return useContext(Region).region;
}

// The two below may differ in a space between this server's and the browser's Unicode data: the
// server's text stays, and is replaced only when it says something else.

export function Price({ amount }: { amount: number }) {
  return <span suppressHydrationWarning>{formatPrice(amount, useRegion())}</span>;
}

export function Moment({ at }: { at: string }) {
  const { region, timeZone } = useContext(Region);
  return (
    <time dateTime={at} suppressHydrationWarning>
      {formatMoment(at, region, useOwnTimeZone(timeZone))}
    </time>
  );
}
