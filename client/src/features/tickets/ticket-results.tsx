import { Link } from "@/components/link";
import { PagesNav } from "@/components/pagination";
import { Blank } from "@/components/ui/empty-state";
import { buttonStyle } from "@/components/ui/button-style";
import { paths } from "@/config/paths";
import { words } from "@/i18n/server";
import type { Reply } from "@/lib/api/result";
import type { Ticket } from "@/lib/api/types";
import { listed } from "./with-listed-label";
import { apiQuery, isFiltered, type Search, searchHref, SORTS } from "./search";
import { TicketList } from "./ticket-list";

/** What a search found: tickets and the way to more, or why there are none. */
export async function TicketResults({ search, page }: { search: Search; page: Reply<Ticket[]> }) {
  const [t, status] = await Promise.all([words("Home"), words("Status")]);
  const first = searchHref({ ...search, cursor: "" });
  const plain = !isFiltered(search) && search.cursor === "" && search.sort === SORTS[0];
  return (
    <>
      {page.data.length === 0 && !page.next && <Nothing filtered={isFiltered(search)} />}
      <TicketList
        // A new search is a new list: what was noted of the last one does not belong to it.
        key={JSON.stringify(search)}
        tickets={await listed(page.data, page.date)}
        query={apiQuery(search)}
        takesNew={plain}
        labels={{
          status: {
            available: status("available"),
            reserved: status("reserved"),
            sold: status("sold"),
          },
          fresh: t("fresh"),
          show: t("show"),
        }}
      />
      <PagesNav
        label={t("results")}
        next={
          page.next
            ? { href: searchHref({ ...search, cursor: page.next }), label: t("next") }
            : null
        }
        first={search.cursor ? { href: first, label: t("first") } : null}
      />
    </>
  );
}

async function Nothing({ filtered }: { filtered: boolean }) {
  const [t, nav] = await Promise.all([words("Home"), words("Nav")]);
  return filtered ? (
    <Blank
      title={t("noMatchTitle")}
      action={
        <Link href={paths.home} className={buttonStyle("secondary")}>
          {t("clear")}
        </Link>
      }
    >
      {t("noMatchText")}
    </Blank>
  ) : (
    <Blank
      title={t("emptyTitle")}
      action={
        <Link href={paths.newTicket} className={buttonStyle()}>
          {nav("sell")}
        </Link>
      }
    >
      {t("emptyText")}
    </Blank>
  );
}
