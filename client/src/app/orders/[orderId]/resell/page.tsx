import type { Metadata } from "next";
import { notFound, redirect } from "next/navigation";
import { BackLink } from "@/components/back-link";
import { PageHeader } from "@/components/page-header";
import { ServiceUnavailable } from "@/components/service-unavailable";
import { ShowFacts } from "@/components/show/show-facts";
import { TermsNote } from "@/components/terms-note";
import { Alert } from "@/components/ui/alert";
import { paths } from "@/config/paths";
import { getPass } from "@/features/pass/get-pass";
import { ResellForm } from "@/features/resale/resell-form";
import { getFormProblems } from "@/i18n/form-problems";
import { Messages } from "@/i18n/messages";
import { getTranslations } from "@/i18n/server";
import { getFee } from "@/lib/api/get-fee";
import { getOrder } from "@/lib/api/get-order";
import { isUnavailable } from "@/lib/api/result";
import { requireUser } from "@/lib/api/session";
import { randomHex } from "@/lib/random-hex";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations("Resell"))("title"), robots: { index: false } };
}

/** Lists a bought ticket again, after saying what its next buyer will see. */
export default async function ResellPage(props: PageProps<"/orders/[orderId]/resell">) {
  const [{ orderId }, params] = await Promise.all([props.params, props.searchParams]);
  await requireUser(paths.resell(orderId));
  const [t, order, feeBasisPoints] = await Promise.all([
    getTranslations("Resell"),
    getOrder(orderId),
    getFee(),
  ]);
  if (!order.ok && !isUnavailable(order)) notFound();
  const pass = order.ok ? await getPass(order.data.ticket.id) : null;
  if (!order.ok || !pass || isUnavailable(pass)) {
    return <ServiceUnavailable message="ticketsUnavailable" heading="h1" />;
  }
  if (order.data.status !== "complete") redirect(paths.order(orderId));
  if (pass.ok && pass.data.listedAgainAs) redirect(paths.ticket(pass.data.listedAgainAs));
  const { ticket } = order.data;
  const level = !pass.ok ? "described" : pass.data.revealedAt ? "opened" : "sealed";
  return (
    <div className="mx-auto max-w-xl">
      <BackLink href={paths.order(orderId)}>{t("back")}</BackLink>
      <PageHeader title={t("title")} />
      <div className="rounded-2xl border border-line bg-card p-6">
        <h2 dir="auto" className="text-xl font-semibold wrap-anywhere">
          {ticket.title}
        </h2>
        <Messages of={["Show"]}>
          <ShowFacts show={ticket.show} seat={ticket.seat} className="mt-4" />
        </Messages>
      </div>
      <Alert tone={level === "sealed" ? "good" : "warn"} className="mt-6">
        {t(level)}
      </Alert>
      {level !== "described" && <p className="mt-4">{t("effect")}</p>}
      <Messages of={["Resell", "Sell", "Net", "Legal", "Problem"]}>
        <ResellForm
          orderId={orderId}
          title={ticket.title}
          typedPrice={[params.price].flat()[0] ?? ""}
          problems={await getFormProblems(params)}
          submissionKey={randomHex(16)}
          feeBasisPoints={feeBasisPoints}
          hasShow={Boolean(ticket.show)}
        />
        <TermsNote action="list" className="mt-4 text-muted" />
      </Messages>
    </div>
  );
}
