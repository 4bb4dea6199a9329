import type { Metadata } from "next";
import { BackLink } from "@/components/back-link";
import { PageHeader } from "@/components/page-header";
import { paths } from "@/config/paths";
import { NewShow } from "@/features/shows/new-show";
import { readShowInput } from "@/features/shows/show-input";
import { getFormProblems } from "@/i18n/form-problems";
import { Messages } from "@/i18n/messages";
import { getReaderLocale, getTranslations } from "@/i18n/server";
import { requireUser } from "@/lib/api/session";
import { CATEGORIES } from "@/lib/categories";
import { listCountries } from "@/lib/place";
import { regionOf } from "@/lib/region";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations("NewShow"))("title") };
}

export default async function NewShowPage({ searchParams }: PageProps<"/shows/new">) {
  await requireUser(paths.newShow);
  const params = await searchParams;
  const [t, category, { locale, timeZone }, problems] = await Promise.all([
    getTranslations("NewShow"),
    getTranslations("Category"),
    getReaderLocale(),
    getFormProblems(params),
  ]);
  const typed = readShowInput((name) => [params[name]].flat()[0]);
  return (
    <div className="mx-auto max-w-xl">
      <BackLink href={typed.ticket ? paths.ticket(typed.ticket) : paths.newTicket}>
        {t("back")}
      </BackLink>
      <PageHeader title={t("title")} lead={t("lead")} />
      <Messages of={["NewShow", "Problem"]}>
        <NewShow
          typed={{
            ...typed,
            category: typed.category || CATEGORIES[0],
            "venue.country": typed["venue.country"] || regionOf(locale),
            timeZone: typed.timeZone || timeZone,
          }}
          problems={problems}
          isSimilar={[params.problem].flat().includes("showExists")}
          options={{
            categories: CATEGORIES.map((value) => ({ value, label: category(value) })),
            countries: listCountries(locale).map(({ code, name }) => ({
              value: code,
              label: name,
            })),
            timeZones: zonesWith(timeZone).map((zone) => ({
              value: zone,
              label: zone.replaceAll("_", " "),
            })),
          }}
        />
      </Messages>
    </div>
  );
}

/** Returns the time zones of this server's Unicode data, with the reader's own. */
function zonesWith(readerZone: string): string[] {
  return [...new Set([...Intl.supportedValuesOf("timeZone"), readerZone, "UTC"])].sort();
}
