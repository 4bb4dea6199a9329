"use client";

import { useTranslations } from "use-intl";
import { useFormattingLocale } from "@/components/locale";
import { feeOf } from "@/lib/fee";
import { formatPrice } from "@/lib/money";
import { parseListingPrice } from "@/lib/validation";

/** What the seller gets of the price that is being typed, and when. Nothing while that is no price. */
export function NetHint(props: {
  typedPrice: string;
  /** The platform's share, or null if it is not known. */
  feeBasisPoints: number | null;
  hasShow: boolean;
}) {
  const t = useTranslations("Net");
  const locale = useFormattingLocale();
  const parsed = parseListingPrice(props.typedPrice, locale);
  if (props.feeBasisPoints === null || parsed.problem) return null;
  const price = Number(parsed.amount);
  const fee = feeOf(price, props.feeBasisPoints);
  const facts = { net: formatPrice(price - fee, locale), fee: formatPrice(fee, locale) };
  return (
    <p className="-mt-4 text-sm" suppressHydrationWarning>
      {fee > 0 ? t("withFee", facts) : t("withoutFee", facts)}{" "}
      {t(props.hasShow ? "afterShow" : "withoutShow")}
    </p>
  );
}
