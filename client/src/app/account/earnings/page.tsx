import type { Metadata } from "next";
import { BackLink } from "@/components/back-link";
import { Link } from "@/components/link";
import { PageHeader } from "@/components/page-header";
import { Pagination } from "@/components/pagination";
import { ServiceUnavailable } from "@/components/service-unavailable";
import { Alert } from "@/components/ui/alert";
import { buttonStyle } from "@/components/ui/button-style";
import { EmptyState } from "@/components/ui/empty-state";
import { paths } from "@/config/paths";
import { getEarnings, getSeller } from "@/features/earnings/get-earnings";
import { GetPaid } from "@/features/earnings/get-paid";
import { SaleList, StatementLink } from "@/features/earnings/sale-list";
import { Totals } from "@/features/earnings/totals";
import { getFormProblems } from "@/i18n/form-problems";
import { getTranslations } from "@/i18n/server";
import { cursorFrom } from "@/lib/api/page-query";
import { requireUser } from "@/lib/api/session";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations("Earnings"))("title"), robots: { index: false } };
}

/** What a seller gets, when, and where it goes. Stripe sends the seller back here. */
export default async function EarningsPage({ searchParams }: PageProps<"/account/earnings">) {
  await requireUser(paths.earnings);
  const params = await searchParams;
  const cursor = cursorFrom(params);
  const [t, account, seller, earnings] = await Promise.all([
    getTranslations("Earnings"),
    getTranslations("Account"),
    getSeller(),
    getEarnings(cursor),
  ]);
  return (
    <div className="mx-auto max-w-3xl">
      <BackLink href={paths.account}>{account("back")}</BackLink>
      <PageHeader title={t("title")} lead={t("lead")} />
      {(await getFormProblems(params)).map((problem) => (
        <Alert key={problem} tone="bad" className="mb-6">
          {problem}
        </Alert>
      ))}
      {params.offered === "1" && (
        <Alert tone="good" className="mb-6">
          {t("offerDone")}
        </Alert>
      )}
      {seller.ok && <GetPaid seller={seller.data} justBack={params.from === "stripe"} />}
      {!seller.ok && earnings.ok && (
        <Alert tone="warn" className="mb-8">
          {t("sellerUnavailable")}
        </Alert>
      )}
      {!earnings.ok && <ServiceUnavailable message="earningsUnavailable" />}
      {earnings.ok && (
        <>
          <Totals totals={earnings.data.totals} />
          <h2 className="mt-10 mb-4 text-2xl font-semibold">{t(cursor ? "more" : "sales")}</h2>
          {earnings.data.sales.length > 0 ? (
            <>
              <SaleList sales={earnings.data.sales} now={earnings.date} />
              <StatementLink />
            </>
          ) : (
            <EmptyState
              title={t("emptyTitle")}
              heading="h2"
              action={
                <Link href={paths.newTicket} className={buttonStyle("secondary")}>
                  {t("sell")}
                </Link>
              }
            >
              {t("emptyText")}
            </EmptyState>
          )}
          <Pagination
            label={t("title")}
            next={earnings.next ? { href: `?cursor=${earnings.next}`, label: t("next") } : null}
            first={cursor ? { href: paths.earnings, label: t("first") } : null}
          />
        </>
      )}
    </div>
  );
}
