import { words } from "@/i18n/server";
import type { SearchLabels } from "./search-form";

/** Words for the home page's browser side, which loads no dictionary of its own. */
export async function searchLabels(): Promise<SearchLabels> {
  const t = await words("Home");
  return {
    search: t("search"),
    placeholder: t("searchPlaceholder"),
    sort: t("sort"),
    sorts: {
      "-createdAt": t("newest"),
      createdAt: t("oldest"),
      price: t("cheapest"),
      "-price": t("dearest"),
    },
    minPrice: t("minPrice"),
    maxPrice: t("maxPrice"),
    filters: t("filters"),
    apply: t("apply"),
  };
}
