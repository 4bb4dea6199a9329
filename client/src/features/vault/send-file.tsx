"use client";

import { useTranslations } from "use-intl";
import { useFormattingLocale } from "@/components/locale";
import { Button } from "@/components/ui/button";
import { formatSize } from "@/lib/file-size";
import { FilePreview } from "./file-preview";

/** Shows the chosen file before it is sent, then how much of it has been. */
export function SendFile(props: {
  file: File;
  /** From 0 to 1, or null before it is sent. */
  progress: number | null;
  onSend: () => void;
  onCancel: () => void;
}) {
  const t = useTranslations("Upload");
  const locale = useFormattingLocale();
  const { file, progress } = props;
  const percent = Math.floor((progress ?? 0) * 100);
  return (
    <div className="mt-5 grid gap-4">
      <p dir="auto" className="font-semibold wrap-anywhere">
        {file.name} <span className="font-normal text-muted">{formatSize(file.size, locale)}</span>
      </p>
      <FilePreview file={file} />
      <p>{t("check")}</p>
      {progress !== null && (
        <div>
          <progress
            value={percent}
            max={100}
            aria-label={t("progress")}
            className="h-2 w-full accent-accent"
          />
          <p role="status" className="text-sm text-muted">
            {percent < 100 ? t("progress") : t("reading")}
          </p>
        </div>
      )}
      <div className="flex flex-wrap gap-3">
        <Button
          busy={progress !== null}
          busyLabel={t("sending", { percent })}
          onClick={props.onSend}
        >
          {t("send")}
        </Button>
        <Button variant="secondary" onClick={props.onCancel}>
          {t(progress === null ? "another" : "cancel")}
        </Button>
      </div>
    </div>
  );
}
