import { Link } from "@/components/link";
import { Pagination } from "@/components/pagination";
import { buttonStyle } from "@/components/ui/button-style";
import { EmptyState } from "@/components/ui/empty-state";
import { paths } from "@/config/paths";
import { getTranslations } from "@/i18n/server";
import type { ApiSuccess } from "@/lib/api/result";
import type { Ticket } from "@/lib/api/types";
import { type apiQuery, isFiltered, type Search, searchHref, SORTS } from "./search";
import { TicketList } from "./ticket-list";
import { withLabels } from "./with-labels";

/** The results of a search with pagination, or an empty state. */
export async function TicketResults({
  search,
  query,
  page,
}: {
  search: Search;
  query: ReturnType<typeof apiQuery>;
  page: ApiSuccess<Ticket[]>;
}) {
  const [t, status, protection] = await Promise.all([
    getTranslations("Home"),
    getTranslations("Status"),
    getTranslations("Protection"),
  ]);
  const firstPage = searchHref({ ...search, cursor: "" });
  const nextPage = page.next ? searchHref({ ...search, cursor: page.next }) : null;
  const isDefaultView = !isFiltered(search) && search.cursor === "" && search.sort === SORTS[0];
  return (
    <>
      {page.data.length === 0 && <NoResults search={search} nextPage={nextPage} />}
      <TicketList
        // Resets the list's state for a new search.
        key={JSON.stringify(search)}
        tickets={await withLabels(page.data, page.date)}
        query={query}
        showsNewListings={isDefaultView}
        labels={{
          status: {
            available: status("available"),
            reserved: status("reserved"),
            sold: status("sold"),
            withdrawn: status("withdrawn"),
          },
          protection: {
            described: protection("described"),
            vault: protection("vault"),
            opened: protection("opened"),
            reissued: protection("reissued"),
          },
          newListings: t("newListings"),
          showNew: t("showNew"),
        }}
      />
      <Pagination
        label={t("results")}
        next={nextPage && page.data.length > 0 ? { href: nextPage, label: t("next") } : null}
        first={search.cursor ? { href: firstPage, label: t("first") } : null}
      />
    </>
  );
}

async function NoResults({ search, nextPage }: { search: Search; nextPage: string | null }) {
  const [t, nav, show] = await Promise.all([
    getTranslations("Home"),
    getTranslations("Nav"),
    getTranslations("Show"),
  ]);
  if (nextPage) {
    return (
      <EmptyState
        title={t("notYetTitle")}
        action={
          <Link href={nextPage} className={buttonStyle()}>
            {t("searchOn")}
          </Link>
        }
      >
        {t("notYetText")}
      </EmptyState>
    );
  }
  if (search.cursor) return <EmptyState title={t("noMoreTitle")}>{t("noMoreText")}</EmptyState>;
  if (search.show) return <EmptyState title={show("noneTitle")}>{show("noneText")}</EmptyState>;
  return isFiltered(search) ? (
    <EmptyState
      title={t("noMatchTitle")}
      action={
        <Link href={paths.home} className={buttonStyle("secondary")}>
          {t("clear")}
        </Link>
      }
    >
      {t("noMatchText")}
    </EmptyState>
  ) : (
    <EmptyState
      title={t("emptyTitle")}
      action={
        <Link href={paths.newTicket} className={buttonStyle()}>
          {nav("sell")}
        </Link>
      }
    >
      {t("emptyText")}
    </EmptyState>
  );
}
