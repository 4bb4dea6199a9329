import { getTranslations } from "@/i18n/server";
import type { SearchLabels } from "./search-form";

/** Returns the labels as props, so that the home page does not load use-intl in the browser (11 KB). */
export async function getSearchLabels(): Promise<SearchLabels> {
  const [t, category] = await Promise.all([getTranslations("Home"), getTranslations("Category")]);
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
    category: t("category"),
    categories: {
      "": t("anyCategory"),
      concert: category("concert"),
      festival: category("festival"),
      theatre: category("theatre"),
      comedy: category("comedy"),
      sport: category("sport"),
      family: category("family"),
      other: category("other"),
    },
    from: t("from"),
    to: t("to"),
    minPrice: t("minPrice"),
    maxPrice: t("maxPrice"),
    filters: t("filters"),
    apply: t("apply"),
  };
}
