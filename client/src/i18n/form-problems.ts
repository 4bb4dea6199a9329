import "server-only";

import { priceProblem } from "@/lib/price-input";
import { getReaderLocale, getTranslations } from "./server";

const MAX_PROBLEMS = 5;

/** Returns the problems of a form that was submitted without script, from its page's query. */
export async function getFormProblems(
  params: Record<string, string | string[] | undefined>,
): Promise<string[]> {
  const [t, { locale }] = await Promise.all([getTranslations("Problem"), getReaderLocale()]);
  const minutes = Number(params.minutes) || 1;
  const digits = String(params.price).replace(/\D/g, "");
  const translate = (key: string) => {
    if (key === "priceAmbiguous") return priceProblem({ problem: key, amount: digits }, t, locale);
    return t.has(key as "title") ? t(key as "throttled", { minutes }) : t("unexpected");
  };
  return [params.problem ?? []].flat().slice(0, MAX_PROBLEMS).map(translate);
}
