import type { Metadata } from "next";
import { BackLink } from "@/components/back-link";
import { PageHeader } from "@/components/page-header";
import { paths } from "@/config/paths";
import { ShowForm } from "@/features/shows/show-form";
import { readShowInput } from "@/features/shows/show-input";
import { getShowOptions } from "@/features/shows/show-options";
import { getFormProblems } from "@/i18n/form-problems";
import { Messages } from "@/i18n/messages";
import { getReaderLocale, getTranslations } from "@/i18n/server";
import { requireUser } from "@/lib/api/session";
import { CATEGORIES } from "@/lib/categories";
import { regionOf } from "@/lib/region";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations("NewShow"))("title") };
}

export default async function NewShowPage({ searchParams }: PageProps<"/shows/new">) {
  await requireUser(paths.newShow);
  const params = await searchParams;
  const [t, { locale, timeZone }, problems] = await Promise.all([
    getTranslations("NewShow"),
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
        <ShowForm
          typed={{
            ...typed,
            category: typed.category || CATEGORIES[0],
            "venue.country": typed["venue.country"] || regionOf(locale),
            timeZone: typed.timeZone || timeZone,
          }}
          problems={problems}
          isSimilar={[params.problem].flat().includes("showExists")}
          options={await getShowOptions([timeZone])}
        />
      </Messages>
    </div>
  );
}
