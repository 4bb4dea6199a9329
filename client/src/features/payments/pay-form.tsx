"use client";

import { Elements } from "@stripe/react-stripe-js";
import { useEffect, useState } from "react";
import type { Stripe } from "@stripe/stripe-js";
import { useLocale, useTranslations } from "use-intl";
import { RefreshButton } from "@/components/refresh-button";
import { Alert } from "@/components/ui/alert";
import { Button } from "@/components/ui/button";
import type { PaymentConfig } from "@/lib/api/types";
import { CURRENCY, toCents } from "@/lib/money";
import type { PaymentState } from "@/lib/payment-state";
import { useAppearance } from "./appearance";
import { CardForm } from "./card-form";
import { getStripe } from "./load-stripe";
import type { PaymentProgress } from "./pay";

/** The card form for the configured Stripe account, or the reason why there is none. */
export function PayForm(props: {
  config: PaymentConfig | null;
  orderId: string;
  amount: number;
  /** The payment when the page was rendered. */
  payment: PaymentState;
  isPaid: boolean;
  disabled: boolean;
  timeLeft: string;
  onProgress: (progress: PaymentProgress) => void;
}) {
  const { config } = props;
  const t = useTranslations("Payment");
  const translateError = useTranslations("Error");
  if (!config) {
    return (
      <Alert tone="warn">
        <p>{t("unavailable")}</p>
        <RefreshButton variant="secondary" className="mt-3">
          {translateError("retry")}
        </RefreshButton>
      </Alert>
    );
  }
  if (!config.publishableKey) return <Alert tone="warn">{t("unconfigured")}</Alert>;
  return (
    <>
      {config.publishableKey.startsWith("pk_test_") && !props.isPaid && (
        <p className="mb-5 rounded-xl bg-well px-4 py-3 text-sm">{t("testCard")}</p>
      )}
      <StripeCardForm
        {...props}
        publishableKey={config.publishableKey}
        scriptUrl={config.stripeJsUrl}
      />
    </>
  );
}

function StripeCardForm(props: {
  publishableKey: string;
  scriptUrl: string | null;
  orderId: string;
  amount: number;
  payment: PaymentState;
  disabled: boolean;
  timeLeft: string;
  onProgress: (progress: PaymentProgress) => void;
}) {
  const { publishableKey, scriptUrl } = props;
  const t = useTranslations("Payment");
  const translateError = useTranslations("Error");
  const locale = useLocale();
  const appearance = useAppearance();
  const [stripe, setStripe] = useState<Stripe | "failed" | null>(null);

  useEffect(() => {
    if (stripe !== null) return;
    getStripe(publishableKey, scriptUrl).then(
      (loaded) => setStripe(loaded ?? "failed"),
      () => setStripe("failed"),
    );
  }, [stripe, publishableKey, scriptUrl]);

  if (stripe === "failed") {
    return (
      <Alert tone="bad">
        <p>{t("loadFailed")}</p>
        <Button variant="secondary" className="mt-3" onClick={() => setStripe(null)}>
          {translateError("retry")}
        </Button>
      </Alert>
    );
  }
  return (
    <Elements
      stripe={stripe}
      options={{
        mode: "payment",
        amount: toCents(props.amount),
        currency: CURRENCY.toLowerCase(),
        allowedPaymentMethodTypes: ["card"],
        locale,
        appearance,
      }}
    >
      <CardForm {...props} />
    </Elements>
  );
}
