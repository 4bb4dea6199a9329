import type { Metadata } from "next";
import { notFound, redirect } from "next/navigation";
import { BackLink } from "@/components/back-link";
import { PageHeader } from "@/components/page-header";
import { ServiceUnavailable } from "@/components/service-unavailable";
import { paths } from "@/config/paths";
import { getShow } from "@/features/shows/get-show";
import { ShowForm } from "@/features/shows/show-form";
import { readShowInput, typedAs } from "@/features/shows/show-input";
import { getShowOptions } from "@/features/shows/show-options";
import { getFormProblems } from "@/i18n/form-problems";
import { Messages } from "@/i18n/messages";
import { getReaderLocale, getTranslations } from "@/i18n/server";
import { isUnavailable } from "@/lib/api/result";
import { requireUser } from "@/lib/api/session";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations("NewShow"))("editTitle"), robots: { index: false } };
}

/** Lets the creator of a show change it. */
export default async function EditShowPage(props: PageProps<"/shows/[showId]/edit">) {
  const [{ showId }, params] = await Promise.all([props.params, props.searchParams]);
  const user = await requireUser(paths.editShow(showId));
  const [t, show, { timeZone }, problems] = await Promise.all([
    getTranslations("NewShow"),
    getShow(showId),
    getReaderLocale(),
    getFormProblems(params),
  ]);
  if (!show.ok && !isUnavailable(show)) notFound();
  if (!show.ok) return <ServiceUnavailable message="ticketsUnavailable" heading="h1" />;
  if (user.id !== show.data.userId) redirect(paths.show(showId));
  const isReturned = params.name !== undefined; // by a submission without script
  return (
    <div className="mx-auto max-w-xl">
      <BackLink href={paths.show(showId)}>{t("backToShow")}</BackLink>
      <PageHeader title={t("editTitle")} lead={t("editLead")} />
      <Messages of={["NewShow", "Problem"]}>
        <ShowForm
          showId={showId}
          typed={
            isReturned ? readShowInput((name) => [params[name]].flat()[0]) : typedAs(show.data)
          }
          problems={problems}
          options={await getShowOptions([timeZone, show.data.timeZone])}
        />
      </Messages>
    </div>
  );
}
