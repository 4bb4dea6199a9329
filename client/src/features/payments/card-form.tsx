"use client";

import { PaymentElement, useElements, useStripe } from "@stripe/react-stripe-js";
import type { StripeError } from "@stripe/stripe-js";
import { type SyntheticEvent, useEffect, useEffectEvent, useRef, useState } from "react";
import { useTranslations } from "use-intl";
import { useFormattingLocale } from "@/components/locale";
import { TermsNote } from "@/components/terms-note";
import { Alert } from "@/components/ui/alert";
import { Button } from "@/components/ui/button";
import { formatPrice } from "@/lib/money";
import type { PaymentState } from "@/lib/payment-state";
import { regionOf } from "@/lib/region";
import { OutcomeMessage } from "./outcome-message";
import { PayBar } from "./pay-bar";
import { type Outcome, pay, type PaymentProgress, type PaymentStep } from "./pay";
import { useOutcome } from "./use-outcome";

/** Stripe's card fields and the button that pays. */
export function CardForm(props: {
  orderId: string;
  amount: number;
  payment: PaymentState;
  disabled: boolean;
  timeLeft: string;
  onProgress: (progress: PaymentProgress) => void;
}) {
  const { orderId, amount } = props;
  const t = useTranslations("Payment");
  const locale = useFormattingLocale();
  const stripe = useStripe();
  const elements = useElements();
  const [ready, setReady] = useState(false);
  const [failed, setFailed] = useState(false);
  const [step, setStep] = useState<PaymentStep | null>(null);
  const [outcome, setOutcome] = useOutcome(orderId, props.payment);
  const isPaying = useRef(false);
  const isPaid = outcome?.kind === "paid";
  const isUnknown = outcome?.kind === "unknown";
  const progress = isPaid ? "paid" : isUnknown ? "unknown" : "none";

  const onProgress = useEffectEvent(props.onProgress);
  useEffect(() => {
    onProgress(progress);
  }, [progress]);

  async function attemptPayment(): Promise<Outcome | null> {
    if (!stripe || !elements) return null;
    const { error: incomplete } = await elements.submit();
    if (incomplete) return null; // Stripe shows the errors at its fields
    const { error, confirmationToken } = await stripe.createConfirmationToken({ elements });
    if (error) return cardError(error);
    return pay({ stripe, orderId, token: confirmationToken.id, onStep: setStep });
  }

  async function onSubmit(event: SyntheticEvent) {
    event.preventDefault();
    // Never offer to pay again after a possible success.
    if (isPaying.current || props.disabled || isPaid || isUnknown) return;
    isPaying.current = true;
    setOutcome(null);
    setStep("paying");
    setOutcome(await attemptPayment().catch((): Outcome => ({ kind: "unknown" })));
    setStep(null);
    isPaying.current = false;
  }

  return (
    <form onSubmit={(event) => void onSubmit(event)} className="flex flex-col gap-5">
      {!isPaid && (
        <div className="min-h-56">
          <PaymentElement
            options={{
              layout: "tabs",
              defaultValues: { billingDetails: { address: { country: regionOf(locale) } } },
              wallets: { applePay: "never", googlePay: "never", link: "never" },
            }}
            onReady={() => setReady(true)}
            onLoadError={() => setFailed(true)}
          />
        </div>
      )}
      {failed && <Alert tone="bad">{t("loadFailed")}</Alert>}
      <div role="status" className="empty:hidden">
        {step === "authenticating" && <p className="font-semibold">{t("authenticating")}</p>}
        {step === "checking" && <p className="font-semibold">{t("checking")}</p>}
      </div>
      {outcome && <OutcomeMessage key={outcome.kind} outcome={outcome} />}
      {!isPaid && (
        <PayBar timeLeft={props.timeLeft}>
          <Button
            type="submit"
            className="min-h-13 grow text-lg"
            busy={step !== null}
            busyLabel={t("paying")}
            disabled={!ready || props.disabled || isUnknown}
          >
            {t("pay", { amount: formatPrice(amount, locale) })}
          </Button>
        </PayBar>
      )}
      {!isPaid && <p className="text-sm text-muted">{t("secure")}</p>}
      {!isPaid && <TermsNote action="pay" className="text-muted" />}
    </form>
  );
}

/** Returns the outcome of a card that Stripe did not accept, or null if its fields show the error. */
function cardError(error: StripeError): Outcome | null {
  if (error.type === "validation_error") return null;
  if (error.type !== "card_error") return { kind: "unpaid" };
  const { message = "", code = null, decline_code: declineCode = null } = error;
  return { kind: "declined", problem: { message, code, declineCode } };
}
