"use client";

import { useTranslations } from "use-intl";
import { offsetsToChoose, type ShowInput } from "./show-input";

/** Asks which time is meant when the clocks go back and show one of the times twice. */
export function OffsetField({ typed }: { typed: ShowInput }) {
  const t = useTranslations("NewShow");
  const offsets = offsetsToChoose(typed);
  if (offsets.length === 0) return null;
  return (
    <fieldset>
      <legend className="font-semibold">{t("offset")}</legend>
      {offsets.map((offset, index) => (
        <label key={offset} className="flex min-h-11 items-center gap-3">
          <input
            type="radio"
            name="offset"
            value={offset}
            defaultChecked={offset === typed.offset}
            className="size-5"
          />
          <span>{t(index === 0 ? "firstTime" : "secondTime", { offset })}</span>
        </label>
      ))}
    </fieldset>
  );
}
