"use client";

import { useTranslations } from "use-intl";
import { useFormattingLocale, useReaderTimeZone } from "@/components/locale";
import type { PinnedShow, Seat } from "@/lib/api/types";
import { cn } from "@/lib/cn";
import { countryName, formatPlace } from "@/lib/place";
import { seatLabels } from "@/lib/seat";
import { formatShowSpan, formatZone, readersStart } from "@/lib/show-time";
import { SeatChips } from "./seat-chips";

/** The day, local time and place of a show, and the seat, where a buyer must see them. */
export function ShowFacts(props: {
  show: PinnedShow | null | undefined;
  seat?: Seat | null | undefined;
  className?: string;
}) {
  const t = useTranslations("Show");
  const { show } = props;
  const seats = seatLabels(props.seat, t);
  if (!show && seats.length === 0) return null;
  return (
    <dl className={cn("grid gap-3", props.className)}>
      {show && (
        <>
          <ShowTime show={show} />
          <ShowPlace show={show} />
        </>
      )}
      {seats.length > 0 && (
        <div>
          <dt className="sr-only">{t("seatTitle")}</dt>
          <dd>
            <SeatChips labels={seats} />
          </dd>
        </div>
      )}
    </dl>
  );
}

/** The line below the time always exists, so that nothing moves when the browser's zone is known. */
function ShowTime({ show }: { show: PinnedShow }) {
  const t = useTranslations("Show");
  const locale = useFormattingLocale();
  const readerZone = useReaderTimeZone();
  const time = readersStart(show, readerZone, locale);
  const isZoneUnknown = readerZone === "UTC";
  return (
    <div>
      <dt className="sr-only">{t("when")}</dt>
      <dd suppressHydrationWarning>
        <time dateTime={show.startsAt} className="font-semibold" suppressHydrationWarning>
          {formatShowSpan(show, locale)}
        </time>
        <span className="block text-sm text-muted" suppressHydrationWarning>
          {time === null
            ? t("localTime")
            : isZoneUnknown
              ? formatZone(show, locale)
              : t("yourTime", { zone: formatZone(show, locale), time })}
        </span>
      </dd>
    </div>
  );
}

function ShowPlace({ show }: { show: PinnedShow }) {
  const t = useTranslations("Show");
  const locale = useFormattingLocale();
  return (
    <div>
      <dt className="sr-only">{t("where")}</dt>
      <dd dir="auto">
        <span className="font-semibold wrap-anywhere">{formatPlace(show.venue)}</span>
        <span className="block text-sm text-muted" suppressHydrationWarning>
          {countryName(show.venue.country, locale)}
        </span>
      </dd>
    </div>
  );
}
