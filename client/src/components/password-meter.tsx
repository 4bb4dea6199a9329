"use client";

import { ZxcvbnFactory } from "@zxcvbn-ts/core";
import { useEffect, useState } from "react";
import { useTranslations } from "use-intl";
import { commonPasswords, wordsOf } from "@/lib/password/guessable";

const STEPS = ["strength0", "strength1", "strength2", "strength3", "strength4"] as const;
const COLOURS = ["bg-bad", "bg-bad", "bg-warn", "bg-good", "bg-good"];
/** Estimating takes longer than linear time, and more characters do not make a password weaker. */
const MAX_ESTIMATED = 60;

/** How hard a new password is to guess, as zxcvbn estimates it. Loaded when a password is typed. */
export default function PasswordMeter({ password, email }: { password: string; email: string }) {
  const t = useTranslations("Auth");
  const estimator = useEstimator();
  if (!estimator) return null;
  const { score } = estimator.check(password.slice(0, MAX_ESTIMATED), wordsOf(email));
  return (
    <div className="flex items-center gap-3 text-sm">
      <div aria-hidden className="flex h-1.5 grow gap-1">
        {STEPS.slice(1).map((step, index) => (
          <span
            key={step}
            className={`grow rounded-full ${index < Math.max(score, 1) ? COLOURS[score] : "bg-well"}`}
          />
        ))}
      </div>
      <p role="status" className="font-semibold">
        {t(STEPS[score])}
      </p>
    </div>
  );
}

/** Returns the estimator once the list of common passwords is loaded. */
function useEstimator(): ZxcvbnFactory | null {
  const [estimator, setEstimator] = useState<ZxcvbnFactory | null>(null);
  useEffect(() => {
    let isShown = true;
    void commonPasswords().then((passwords) => {
      if (isShown) setEstimator(new ZxcvbnFactory({ dictionary: { passwords } }));
    });
    return () => {
      isShown = false;
    };
  }, []);
  return estimator;
}
