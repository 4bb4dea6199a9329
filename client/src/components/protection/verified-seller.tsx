import { useTranslations } from "use-intl";

/** Says that the payment processor has checked who sells a ticket. */
export function VerifiedSeller() {
  const t = useTranslations("Protection");
  return (
    <div className="mt-4 flex gap-3">
      <svg
        aria-hidden
        viewBox="0 0 24 24"
        className="mt-0.5 size-6 shrink-0 text-good"
        fill="none"
        stroke="currentColor"
        strokeWidth="2"
        strokeLinecap="round"
        strokeLinejoin="round"
      >
        <path d="M3 12a9 9 0 1 0 18 0 9 9 0 1 0-18 0M8 12l3 3 5-6" />
      </svg>
      <div className="min-w-0">
        <p className="font-semibold">{t("verifiedSeller")}</p>
        <p className="max-w-prose text-sm">{t("verifiedSellerText")}</p>
      </div>
    </div>
  );
}
