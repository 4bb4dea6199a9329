import type { Metadata } from "next";
import { BackLink } from "@/components/back-link";
import { RefreshButton } from "@/components/refresh-button";
import { ServiceUnavailable } from "@/components/service-unavailable";
import { Alert } from "@/components/ui/alert";
import { EmptyState } from "@/components/ui/empty-state";
import { helpLink } from "@/components/help-link";
import { paths } from "@/config/paths";
import { getPass, isPaidByUser } from "@/features/pass/get-pass";
import type { Listing } from "@/features/pass/closed-pass";
import { PassView } from "@/features/pass/pass-view";
import { getTicket } from "@/features/tickets/get-ticket";
import { getFormProblems } from "@/i18n/form-problems";
import { Messages } from "@/i18n/messages";
import { getReaderLocale, getTranslations } from "@/i18n/server";
import { isUnavailable } from "@/lib/api/result";
import { requireUser } from "@/lib/api/session";
import type { Pass, Ticket } from "@/lib/api/types";

const NOT_FOUND = 404;

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations("Pass"))("title"), robots: { index: false } };
}

/** The ticket itself, for who bought it: sealed, then opened. */
export default async function PassPage(props: PageProps<"/pass/[ticketId]">) {
  const { ticketId } = await props.params;
  const user = await requireUser(paths.pass(ticketId));
  const [t, problems, pass, ticket] = await Promise.all([
    getTranslations("Pass"),
    getFormProblems(await props.searchParams),
    getPass(ticketId),
    getTicket(ticketId),
  ]);
  if (isUnavailable(pass) || isUnavailable(ticket)) {
    return <ServiceUnavailable message="ticketsUnavailable" heading="h1" />;
  }
  const orderId =
    ticket.ok && (await isPaidByUser(ticket.data.orderId)) ? ticket.data.orderId : null;
  return (
    <>
      {orderId ? (
        <BackLink href={paths.order(orderId)}>{t("backToOrder")}</BackLink>
      ) : (
        <BackLink href={paths.orders}>{t("back")}</BackLink>
      )}
      {problems.map((problem) => (
        <Alert key={problem} tone="bad" className="mt-4">
          {problem}
        </Alert>
      ))}
      {pass.ok && ticket.ok ? (
        <OwnPass userId={user.id} ticket={ticket.data} pass={pass.data} orderId={orderId} />
      ) : (
        <NoPass isBuyer={orderId !== null} isDescribed={!pass.ok && pass.status === NOT_FOUND} />
      )}
    </>
  );
}

async function OwnPass(props: {
  userId: string;
  ticket: Ticket;
  pass: Pass;
  orderId: string | null;
}) {
  const { language } = await getReaderLocale();
  const { listedAgainAs } = props.pass;
  const again = listedAgainAs ? await getTicket(listedAgainAs) : null;
  return (
    <Messages of={["Pass", "Show", "Upload", "Order", "Problem"]}>
      <PassView
        {...props}
        listing={again?.ok ? listingOf(again.data) : "listed"}
        language={language}
      />
    </Messages>
  );
}

function listingOf({ status, withdrawn }: Ticket): Listing {
  if (status === "sold") return "sold";
  return withdrawn ? "withdrawn" : "listed";
}

/** The buyer may be here before tickets knows of the payment. */
async function NoPass(props: { isBuyer: boolean; isDescribed: boolean }) {
  const t = await getTranslations("Pass");
  if (!props.isBuyer) {
    return (
      <EmptyState heading="h1" title={t("notYoursTitle")}>
        {t("notYoursText")}
      </EmptyState>
    );
  }
  if (props.isDescribed) {
    return (
      <EmptyState heading="h1" title={t("describedTitle")}>
        {t.rich("describedText", { help: helpLink })}
      </EmptyState>
    );
  }
  return (
    <EmptyState
      heading="h1"
      title={t("arrivingTitle")}
      action={<RefreshButton>{t("again")}</RefreshButton>}
    >
      {t("arrivingText")}
    </EmptyState>
  );
}
