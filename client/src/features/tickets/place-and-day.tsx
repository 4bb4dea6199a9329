import { Link } from "@/components/link";
import { getReaderLocale, getTranslations } from "@/i18n/server";
import type { Facets } from "@/lib/api/types";
import { cn } from "@/lib/cn";
import { formatDay } from "@/lib/show-time";
import { type Search, searchHref } from "./search";

const MAX_CITIES = 12;
const MAX_DAYS = 21;

interface ChipProps {
  href: string;
  isCurrent: boolean;
  label: string;
  count?: number;
  /** What a current chip does. */
  removeLabel: string;
}

/**
 * Cities and days to choose from: links, so that two taps lead to the tickets of a day in a city. What is
 * chosen comes first, because a narrow screen shows only the first chips.
 */
export async function PlaceAndDay(props: {
  search: Search;
  cities: Facets["cities"];
  days: string[];
}) {
  const { search } = props;
  const [t, { locale }] = await Promise.all([getTranslations("Home"), getReaderLocale()]);
  const removeLabel = t("removeFilter");
  const first = { ...search, cursor: "" };
  const cities = currentFirst(props.cities, search.city);
  const day = search.from === search.to ? search.from : "";
  const days = [...new Set([...(day ? [day] : []), ...props.days.slice(0, MAX_DAYS)])];
  return (
    <div className="mt-6 grid gap-4">
      <ChipBar label={t("where")}>
        {cities.map(({ city, count }) => {
          const isCurrent = isSameCity(city, search.city);
          return (
            <Chip
              key={city}
              href={searchHref({ ...first, city: isCurrent ? "" : city })}
              isCurrent={isCurrent}
              label={city}
              {...(count !== undefined && { count })}
              removeLabel={removeLabel}
            />
          );
        })}
      </ChipBar>
      <ChipBar label={t("when")}>
        {days.map((date) => {
          const isCurrent = date === day;
          const chosen = isCurrent ? "" : date;
          return (
            <Chip
              key={date}
              href={searchHref({ ...first, from: chosen, to: chosen })}
              isCurrent={isCurrent}
              label={formatDay(date, locale) ?? date}
              removeLabel={removeLabel}
            />
          );
        })}
      </ChipBar>
    </div>
  );
}

/** A row of chips, which a finger scrolls on a narrow screen. */
function ChipBar({ label, children }: { label: string; children: React.ReactNode[] }) {
  if (children.length === 0) return null;
  return (
    <nav aria-label={label} className="min-w-0">
      <p aria-hidden className="text-sm font-semibold">
        {label}
      </p>
      <div className="-mx-4 flex gap-2 overflow-x-auto px-4 py-1.5 sm:mx-0 sm:flex-wrap sm:px-0">
        {children}
      </div>
    </nav>
  );
}

function Chip({ href, isCurrent, label, count, removeLabel }: ChipProps) {
  return (
    <Link
      href={href}
      scroll={false}
      aria-current={isCurrent ? "true" : undefined}
      className={cn(
        // Without "relative", hidden text of a chip outside of the screen widens the page.
        "relative inline-flex min-h-11 shrink-0 items-center gap-2 rounded-full border px-4 font-semibold whitespace-nowrap",
        isCurrent ? "border-ink bg-ink text-paper" : "border-edge bg-card hover:bg-well",
      )}
    >
      <span dir="auto">{label}</span>
      {isCurrent ? (
        <>
          <span aria-hidden>×</span>
          <span className="sr-only">{removeLabel}</span>
        </>
      ) : (
        count !== undefined && <span className="font-normal text-muted tabular-nums">{count}</span>
      )}
    </Link>
  );
}

const isSameCity = (one: string, other: string) => one.toLowerCase() === other.toLowerCase();

function currentFirst(
  cities: Facets["cities"],
  current: string,
): { city: string; count?: number }[] {
  const others = cities.filter(({ city }) => !isSameCity(city, current)).slice(0, MAX_CITIES);
  const chosen = cities.find(({ city }) => isSameCity(city, current)) ?? { city: current };
  return current === "" ? others : [chosen, ...others];
}
