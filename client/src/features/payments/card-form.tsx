"use client";

import { PaymentElement, useElements, useStripe } from "@stripe/react-stripe-js";
import { type SyntheticEvent, useRef, useState } from "react";
import { useTranslations } from "use-intl";
import { useFormattingLocale } from "@/components/locale";
import { Alert } from "@/components/ui/alert";
import { Button } from "@/components/ui/button";
import { errorMessage } from "@/lib/error-messages";
import { formatPrice } from "@/lib/money";
import { declineMessageKey } from "./decline-messages";
import { type Outcome, pay, type PaymentStep } from "./pay";

type Result = Exclude<Outcome, { kind: "declined" }> | { kind: "declined"; message: string };

/** Stripe's card fields and the button that pays. */
export function CardForm(props: {
  orderId: string;
  amount: number;
  disabled: boolean;
  onPaid: () => void;
}) {
  const { orderId, amount, onPaid } = props;
  const t = useTranslations("Payment");
  const translateDecline = useTranslations("Decline");
  const translateProblem = useTranslations("Problem");
  const locale = useFormattingLocale();
  const stripe = useStripe();
  const elements = useElements();
  const [ready, setReady] = useState(false);
  const [failed, setFailed] = useState(false);
  const [step, setStep] = useState<PaymentStep | null>(null);
  const [result, setResult] = useState<Result | null>(null);
  const isPaying = useRef(false);

  async function attemptPayment(): Promise<Outcome | null> {
    if (!stripe || !elements) return null;
    const { error: incomplete } = await elements.submit();
    if (incomplete) return null; // Stripe shows the errors at its fields
    const { error, confirmationToken } = await stripe.createConfirmationToken({ elements });
    if (error) return { kind: "refused", problem: { message: error.message ?? "" } };
    return pay({ stripe, orderId, token: confirmationToken.id, onStep: setStep });
  }

  async function onSubmit(event: SyntheticEvent) {
    event.preventDefault();
    if (isPaying.current || props.disabled) return;
    isPaying.current = true;
    setResult(null);
    setStep("paying");
    const outcome = await attemptPayment().catch((): Outcome => ({ kind: "unknown" }));
    setStep(null);
    const isFinal = outcome?.kind === "paid" || outcome?.kind === "unknown";
    isPaying.current = isFinal; // never offer to pay again after a possible success
    if (isFinal) onPaid();
    if (outcome?.kind === "declined") {
      const key =
        outcome.problem.retryable === false ? "final" : declineMessageKey(outcome.problem);
      const minutes = Math.ceil((outcome.retryAfter ?? 60) / 60);
      setResult({ kind: "declined", message: translateDecline(key, { minutes }) });
    } else setResult(outcome);
  }

  const busy = step !== null || result?.kind === "paid";
  return (
    <form onSubmit={(event) => void onSubmit(event)} className="flex flex-col gap-5">
      <div className="min-h-56">
        <PaymentElement
          options={{
            layout: "tabs",
            wallets: { applePay: "never", googlePay: "never", link: "never" },
          }}
          onReady={() => setReady(true)}
          onLoadError={() => setFailed(true)}
        />
      </div>
      {failed && <Alert tone="bad">{t("loadFailed")}</Alert>}
      <div role="status" className="empty:hidden">
        {step === "authenticating" && <p className="font-semibold">{t("authenticating")}</p>}
        {step === "checking" && <p className="font-semibold">{t("checking")}</p>}
        {result?.kind === "paid" && <Alert tone="good">{t("received")}</Alert>}
      </div>
      {result?.kind === "declined" && (
        <Alert tone="bad" title={t("failedTitle")}>
          {result.message}
        </Alert>
      )}
      {result?.kind === "refused" && (
        <Alert tone="bad" title={t("failedTitle")}>
          {errorMessage(result.problem, translateProblem) || translateProblem("unexpected")}
        </Alert>
      )}
      {result?.kind === "unknown" && <Alert tone="warn">{t("unknown")}</Alert>}
      <Button
        type="submit"
        className="min-h-13 text-lg"
        busy={busy}
        busyLabel={t("paying")}
        disabled={!ready || props.disabled || result?.kind === "unknown"}
      >
        {t("pay", { amount: formatPrice(amount, locale) })}
      </Button>
      <p className="text-sm text-muted">{t("secure")}</p>
    </form>
  );
}
