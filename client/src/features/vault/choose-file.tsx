"use client";

import { type ChangeEvent, useRef } from "react";
import { useTranslations } from "use-intl";
import { Button } from "@/components/ui/button";
import { FILE_TYPES, fileProblem, fitIntoLimit, PHOTO_TYPES } from "./chosen-file";

/** Two ways to a file: one that is there, or a photo. A computer's "photo" is a file, too, so only phones have both. */
export function ChooseFile(props: {
  isReplacement: boolean;
  /** Called with the file, or with why it cannot be used. */
  onChoose: (file: File | null, problem: string | null) => void;
}) {
  const t = useTranslations("Upload");
  const translateProblem = useTranslations("Problem");
  const file = useRef<HTMLInputElement>(null);
  const photo = useRef<HTMLInputElement>(null);

  async function choose({ target }: ChangeEvent<HTMLInputElement>) {
    const [chosen] = target.files ?? [];
    target.value = ""; // so that the same file can be chosen again
    if (!chosen) return;
    const fitted = await fitIntoLimit(chosen);
    const problem = fileProblem(fitted);
    props.onChoose(problem ? null : fitted, problem && translateProblem(problem));
  }

  const input = {
    type: "file",
    hidden: true,
    onChange: (event: ChangeEvent<HTMLInputElement>) => void choose(event),
  };
  return (
    <div className="mt-5 flex flex-wrap gap-3">
      <input ref={file} {...input} accept={FILE_TYPES} aria-label={t("choose")} data-file="" />
      <input
        ref={photo}
        {...input}
        accept={PHOTO_TYPES}
        capture="environment"
        aria-label={t("photo")}
      />
      <Button
        variant={props.isReplacement ? "secondary" : "primary"}
        onClick={() => file.current?.click()}
      >
        {t(props.isReplacement ? "replace" : "choose")}
      </Button>
      <Button
        variant="secondary"
        className="hidden pointer-coarse:inline-flex"
        onClick={() => photo.current?.click()}
      >
        {t("photo")}
      </Button>
    </div>
  );
}
