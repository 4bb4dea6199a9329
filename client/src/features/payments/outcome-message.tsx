import { useTranslations } from "use-intl";
import { Alert } from "@/components/ui/alert";
import { errorMessage } from "@/lib/error-messages";
import { declineMessageKey } from "./decline-messages";
import type { Outcome } from "./pay";

const FEW_ATTEMPTS = 2;

/** What became of the last attempt to pay, and what the buyer can do now. */
export function OutcomeMessage({ outcome }: { outcome: Outcome }) {
  const t = useTranslations("Payment");
  const translateDecline = useTranslations("Decline");
  const translateProblem = useTranslations("Problem");
  switch (outcome.kind) {
    case "paid":
      return <Alert tone="good">{t("received")}</Alert>;
    case "unknown":
      return <Alert tone="warn">{t("unknown")}</Alert>;
    case "unpaid":
      return (
        <Alert tone="bad" title={t("failedTitle")}>
          {t("unpaid")}
        </Alert>
      );
    case "unavailable":
      return (
        <Alert tone="bad" title={t("failedTitle")}>
          {t("refusedByStripe")}
        </Alert>
      );
    case "refused":
      return (
        <Alert tone="bad" title={t("failedTitle")}>
          <p>
            {outcome.problem.code === "attempts_used_up"
              ? translateDecline("final")
              : errorMessage(outcome.problem, translateProblem) || translateProblem("unexpected")}
          </p>
        </Alert>
      );
    case "declined": {
      const { problem } = outcome;
      const key = problem.retryable === false ? "final" : declineMessageKey(problem);
      const minutes = Math.ceil((outcome.retryAfter ?? 60) / 60);
      const left = problem.attemptsLeft ?? 0;
      return (
        <Alert tone="bad" title={t("failedTitle")}>
          <p>{translateDecline(key, { minutes })}</p>
          {left > 0 && left <= FEW_ATTEMPTS && (
            <p className="mt-1 font-semibold">{translateDecline("attemptsLeft", { left })}</p>
          )}
        </Alert>
      );
    }
  }
}
