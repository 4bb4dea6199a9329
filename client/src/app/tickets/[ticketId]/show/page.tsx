import type { Metadata } from "next";
import { notFound, redirect } from "next/navigation";
import { BackLink } from "@/components/back-link";
import { PageHeader } from "@/components/page-header";
import { ServiceUnavailable } from "@/components/service-unavailable";
import { buttonStyle } from "@/components/ui/button-style";
import { paths } from "@/config/paths";
import { getShow } from "@/features/shows/get-show";
import { ShowPicker } from "@/features/shows/show-picker";
import { getTicket } from "@/features/tickets/get-ticket";
import { getTranslations } from "@/i18n/server";
import { isUnavailable } from "@/lib/api/result";
import { requireUser } from "@/lib/api/session";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations("ShowPicker"))("pageTitle"), robots: { index: false } };
}

/** Lets the seller choose the show of a listed ticket. */
export default async function ShowOfTicketPage(props: PageProps<"/tickets/[ticketId]/show">) {
  const [{ ticketId }, params] = await Promise.all([props.params, props.searchParams]);
  const page = paths.showOfTicket(ticketId);
  const user = await requireUser(page);
  const valueOf = (name: string) => [params[name]].flat()[0] ?? "";
  const [t, ticket, show] = await Promise.all([
    getTranslations("ShowPicker"),
    getTicket(ticketId),
    valueOf("show") ? getShow(valueOf("show")) : null,
  ]);
  if (!ticket.ok && !isUnavailable(ticket)) notFound();
  if (!ticket.ok) return <ServiceUnavailable message="ticketsUnavailable" heading="h1" />;
  const { title, userId, status, withdrawn } = ticket.data;
  if (user.id !== userId || status !== "available" || withdrawn) redirect(paths.ticket(ticketId));
  return (
    <div className="mx-auto max-w-xl">
      <BackLink href={paths.ticket(ticketId)}>{t("backToTicket")}</BackLink>
      <PageHeader title={t("pageTitle")} />
      <p dir="auto" className="mb-6 text-xl font-semibold wrap-anywhere">
        {title}
      </p>
      <ShowPicker
        page={page}
        ticketId={ticketId}
        chosen={show?.ok ? show : null}
        find={valueOf("find")}
      />
      {show?.ok && (
        <form method="post" action={paths.showOfTicketForm(ticketId)}>
          <input type="hidden" name="showId" value={show.data.id} />
          <button className={buttonStyle()}>{t("use")}</button>
        </form>
      )}
    </div>
  );
}
