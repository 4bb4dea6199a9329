import "server-only";

import { priceProblem } from "@/lib/price-input";
import { getReaderLocale, getTranslations } from "./server";

const MAX_PROBLEMS = 5;

/** Returns the problems of a form that was submitted without script, from its page's query. */
export async function getFormProblems(
  params: Record<string, string | string[] | undefined>,
): Promise<string[]> {
  const [t, { locale }] = await Promise.all([getTranslations("Problem"), getReaderLocale()]);
  const values = {
    minutes: Number(params.minutes) || 1,
    percent: Number(params.percent) || 100,
    most: Number(params.most) || 1,
    highest: matching(/^[\d,.]+$/, params.highest),
    time: matching(/^\d\d:\d\d$/, params.time),
  };
  const digits = String(params.price).replace(/\D/g, "");
  const translate = (key: string) => {
    if (key === "priceAmbiguous") return priceProblem({ problem: key, amount: digits }, t, locale);
    return t.has(key as "title") ? t(key as "throttled", values) : t("unexpected");
  };
  return [params.problem ?? []].flat().slice(0, MAX_PROBLEMS).map(translate);
}

/** Returns the value if it has the form that it should: a link must not show a text of its own. */
function matching(form: RegExp, value: string | string[] | undefined): string {
  return typeof value === "string" && form.test(value) ? value : "–";
}
