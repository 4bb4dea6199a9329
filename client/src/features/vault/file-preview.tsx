"use client";

import { useEffect, useRef, useState } from "react";
import { useTranslations } from "use-intl";
import { drawInto } from "./chosen-file";

const PREVIEW_PIXELS = 1_200;

/** Shows a chosen file as this browser can: an image, or the first page of a PDF in the browser's own viewer. */
export function FilePreview({ file }: { file: File }) {
  return file.type === "application/pdf" ? (
    <PdfPreview file={file} />
  ) : (
    <ImagePreview file={file} />
  );
}

/** On a canvas, which needs no address that the Content-Security-Policy would have to allow. */
function ImagePreview({ file }: { file: File }) {
  const t = useTranslations("Upload");
  const canvas = useRef<HTMLCanvasElement>(null);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    let isOutdated = false;
    createImageBitmap(file).then(
      (image) => {
        if (!isOutdated && canvas.current) drawInto(canvas.current, image, PREVIEW_PIXELS);
      },
      () => setFailed(true),
    );
    return () => {
      isOutdated = true;
    };
  }, [file]);
  if (failed) return <p>{t("previewFailed")}</p>;
  return (
    <canvas
      ref={canvas}
      role="img"
      aria-label={t("preview", { name: file.name })}
      className="max-h-96 max-w-full rounded-xl border border-line bg-white"
    />
  );
}

function PdfPreview({ file }: { file: File }) {
  const t = useTranslations("Upload");
  const address = useObjectUrl(file);
  if (!address) return <div className="h-96" />;
  return (
    <>
      {navigator.pdfViewerEnabled && (
        <iframe
          title={t("preview", { name: file.name })}
          src={`${address}#toolbar=0&navpanes=0&view=Fit`}
          className="h-96 w-full rounded-xl border border-line bg-white max-sm:hidden"
        />
      )}
      <p className={navigator.pdfViewerEnabled ? "sm:hidden" : undefined}>
        <a
          href={address}
          target="_blank"
          rel="noopener"
          className="inline-flex min-h-11 items-center underline underline-offset-4"
        >
          {t("openPreview")}
        </a>
      </p>
    </>
  );
}

function useObjectUrl(file: File): string | null {
  const [address, setAddress] = useState<string | null>(null);
  useEffect(() => {
    const created = URL.createObjectURL(file);
    // eslint-disable-next-line react-hooks/set-state-in-effect -- the address must be revoked with its file
    setAddress(created);
    return () => URL.revokeObjectURL(created);
  }, [file]);
  return address;
}
