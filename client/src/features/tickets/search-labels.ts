import { getTranslations } from "@/i18n/server";
import type { SearchLabels } from "./search-form";

/** Returns the labels as props, so that the home page does not load use-intl in the browser (11 KB). */
export async function getSearchLabels(): Promise<SearchLabels> {
  const t = await getTranslations("Home");
  return {
    search: t("search"),
    placeholder: t("searchPlaceholder"),
    sort: t("sort"),
    sorts: {
      "-createdAt": t("newest"),
      createdAt: t("oldest"),
      price: t("priceLowToHigh"),
      "-price": t("priceHighToLow"),
    },
    minPrice: t("minPrice"),
    maxPrice: t("maxPrice"),
    filters: t("filters"),
    apply: t("apply"),
  };
}
