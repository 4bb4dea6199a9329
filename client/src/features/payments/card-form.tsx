"use client";

import { PaymentElement, useElements, useStripe } from "@stripe/react-stripe-js";
import { type SyntheticEvent, useRef, useState } from "react";
import { useTranslations } from "use-intl";
import { useRegion } from "@/components/locale";
import { Button } from "@/components/ui/button";
import { Notice } from "@/components/ui/alert";
import { formatPrice } from "@/lib/money";
import { problemWords } from "@/lib/error-messages";
import { declineKey } from "./decline-messages";
import { type Outcome, pay, type Stage } from "./pay";

type Shown = Exclude<Outcome, { kind: "declined" }> | { kind: "declined"; words: string };

/** The card fields, which are Stripe's own frames, and the button that pays once. */
export function CardForm(props: {
  orderId: string;
  amount: number;
  disabled: boolean;
  onPaid: () => void;
}) {
  const { orderId, amount, onPaid } = props;
  const t = useTranslations("Payment");
  const declines = useTranslations("Decline");
  const words = useTranslations("Problem");
  const region = useRegion();
  const stripe = useStripe();
  const elements = useElements();
  const [ready, setReady] = useState(false);
  const [failed, setFailed] = useState(false);
  const [stage, setStage] = useState<Stage | null>(null);
  const [shown, setShown] = useState<Shown | null>(null);
  const paying = useRef(false);

  async function tryToPay(): Promise<Outcome | null> {
    if (!stripe || !elements) return null;
    const { error: incomplete } = await elements.submit();
    if (incomplete) return null; // its fields say what is missing
    const { error, confirmationToken } = await stripe.createConfirmationToken({ elements });
    if (error) return { kind: "refused", problem: { message: error.message ?? "" } };
    return pay({ stripe, orderId, token: confirmationToken.id, stage: setStage });
  }

  async function onSubmit(event: SyntheticEvent) {
    event.preventDefault();
    if (paying.current || props.disabled) return;
    paying.current = true;
    setShown(null);
    setStage("paying");
    const outcome = await tryToPay().catch((): Outcome => ({ kind: "unknown" }));
    setStage(null);
    const over = outcome?.kind === "paid" || outcome?.kind === "unknown";
    paying.current = over; // what may have been paid is not paid again
    if (over) onPaid();
    if (outcome?.kind === "declined") {
      const key = outcome.problem.retryable === false ? "final" : declineKey(outcome.problem);
      setShown({ kind: "declined", words: declines(key) });
    } else setShown(outcome);
  }

  const busy = stage !== null || shown?.kind === "paid";
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
      {failed && <Notice tone="bad">{t("loadFailed")}</Notice>}
      <div role="status" className="empty:hidden">
        {stage === "authenticating" && <p className="font-semibold">{t("authenticating")}</p>}
        {stage === "checking" && <p className="font-semibold">{t("checking")}</p>}
        {shown?.kind === "paid" && <Notice tone="good">{t("received")}</Notice>}
      </div>
      {shown?.kind === "declined" && (
        <Notice tone="bad" title={t("failedTitle")}>
          {shown.words}
        </Notice>
      )}
      {shown?.kind === "refused" && (
        <Notice tone="bad" title={t("failedTitle")}>
          {problemWords(shown.problem, words) || words("unexpected")}
        </Notice>
      )}
      {shown?.kind === "unknown" && <Notice tone="warn">{t("unknown")}</Notice>}
      <Button
        type="submit"
        className="min-h-13 text-lg"
        busy={busy}
        busyLabel={t("paying")}
        disabled={!ready || props.disabled || shown?.kind === "unknown"}
      >
        {t("pay", { amount: formatPrice(amount, region) })}
      </Button>
      <p className="text-sm text-muted">{t("secure")}</p>
    </form>
  );
}
