"use client";

import { useEffect, useRef } from "react";
import { useTranslations } from "use-intl";
import { DateTime, useFormattingLocale } from "@/components/locale";
import { Link } from "@/components/link";
import { ShowFacts } from "@/components/show/show-facts";
import { Alert } from "@/components/ui/alert";
import { Button } from "@/components/ui/button";
import { buttonStyle } from "@/components/ui/button-style";
import { paths } from "@/config/paths";
import { api } from "@/lib/api/browser";
import type { Pass, Ticket } from "@/lib/api/types";
import { formatSize } from "@/lib/file-size";
import { formatPlace } from "@/lib/place";
import { seatLabels } from "@/lib/seat";
import { formatShowSpan } from "@/lib/show-time";
import { codeName } from "@/lib/symbologies";
import { CodeSheet } from "./code-sheet";
import { useOfflineCopy } from "./use-offline-copy";
import { useWakeLock } from "./use-wake-lock";

interface OpenPassProps {
  userId: string;
  ticket: Ticket;
  pass: Pass;
  orderId: string | null;
  language: string;
  /** Whether it was opened on this page, by a button that has disappeared. */
  takesFocus: boolean;
}

/** An opened ticket: its codes at full size first, for the entrance, then everything else. */
export function OpenPass(props: OpenPassProps) {
  const t = useTranslations("Pass");
  const translateOrder = useTranslations("Order");
  const { ticket, pass, orderId } = props;
  const labels = useCodeLabels(pass);
  const article = useRef<HTMLElement>(null);
  const { takesFocus } = props;
  useWakeLock();
  useEffect(() => {
    if (!takesFocus) return;
    article.current?.focus({ preventScroll: true });
    window.scrollTo({ top: 0 }); // the button was below where the code is now
  }, [takesFocus]);
  return (
    <article ref={article} tabIndex={-1} className="mx-auto mt-4 max-w-lg outline-none">
      <h1 dir="auto" className="text-2xl leading-tight font-bold wrap-anywhere">
        {ticket.title}
      </h1>
      {labels.map((label, index) => (
        <CodeSheet
          key={label}
          label={label}
          symbology={pass.symbologies[index]}
          showsLabel={labels.length > 1}
          source={`/api/tickets/${ticket.id}/pass/qr.svg?code=${index}`}
        />
      ))}
      {labels.length > 0 && <p className="mt-3 text-center print:hidden">{t("brightness")}</p>}
      {labels.length > 1 && <p className="mt-3">{t("severalCodes")}</p>}
      {labels.length === 0 && (
        <Alert tone="warn" className="mt-4">
          {t("noCode")}
        </Alert>
      )}
      {pass.listedAgainAs && (
        <Alert tone="warn" className="mt-4">
          {t("listedOpen")}
        </Alert>
      )}
      <ShowFacts show={ticket.show} seat={ticket.seat} className="mt-6" />
      <div className="mt-6 flex flex-wrap gap-3">
        <DownloadLink ticketId={ticket.id} />
        {ticket.show && (
          <a href={paths.showCalendar(ticket.show.id)} className={buttonStyle("secondary")}>
            {translateOrder("addToCalendar")}
          </a>
        )}
        <Button variant="secondary" onClick={() => window.print()}>
          {t("print")}
        </Button>
      </div>
      {labels.length > 0 && <OfflineStatus {...props} labels={labels} />}
      <FileFacts pass={pass} />
      {orderId && !pass.listedAgainAs && (
        <Link href={paths.resell(orderId)} className={buttonStyle("quiet", "mt-4")}>
          {translateOrder("listAgain")}
        </Link>
      )}
    </article>
  );
}

function useCodeLabels({ symbologies }: Pass): string[] {
  const t = useTranslations("Pass");
  const translate = useTranslations("Upload");
  const count = symbologies.length;
  return symbologies.map((symbology, index) => {
    const name = codeName(symbology, translate);
    return count === 1 ? t("code", { name }) : t("codeOf", { number: index + 1, count, name });
  });
}

function OfflineStatus({ userId, ticket, language, labels }: OpenPassProps & { labels: string[] }) {
  const t = useTranslations("Pass");
  const translateSeat = useTranslations("Show");
  const locale = useFormattingLocale();
  const { show } = ticket;
  const state = useOfflineCopy(
    userId,
    {
      ticketId: ticket.id,
      language,
      title: ticket.title,
      facts: [
        ...(show ? [formatShowSpan(show, locale), formatPlace(show.venue)] : []),
        ...seatLabels(ticket.seat, translateSeat),
      ],
      brightness: t("brightness"),
    },
    labels,
  );
  return (
    <p
      role="status"
      className={
        state === "notSaved" ? "mt-6 font-semibold text-bad" : "mt-6 text-muted print:hidden"
      }
    >
      {t(state)}
    </p>
  );
}

function FileFacts({ pass }: { pass: Pass }) {
  const t = useTranslations("Pass");
  const locale = useFormattingLocale();
  return (
    <dl className="mt-6 grid grid-cols-[auto_1fr] gap-x-6 gap-y-1 border-t border-line pt-4 text-sm print:hidden">
      <dt className="text-muted">{t("file")}</dt>
      <dd className="text-right">
        {t("fileFacts", {
          type: pass.mediaType.split("/").at(-1)?.toUpperCase() ?? "",
          pages: pass.pages,
          size: formatSize(pass.size, locale),
        })}
      </dd>
      {pass.revealedAt && (
        <>
          <dt className="text-muted">{t("openedOn")}</dt>
          <dd className="text-right">
            <DateTime at={pass.revealedAt} />
          </dd>
        </>
      )}
    </dl>
  );
}

/** Asks for the pass first, which refreshes a session that has expired while the page was open. */
function DownloadLink({ ticketId }: { ticketId: string }) {
  const t = useTranslations("Pass");
  const file = `/api/tickets/${ticketId}/pass/file`;
  const params = { path: { ticket_id: ticketId } };
  return (
    <a
      href={file}
      download
      className={buttonStyle("secondary")}
      onClick={(event) => {
        event.preventDefault();
        api
          .GET("/api/tickets/{ticket_id}/pass", { params })
          .finally(() => window.location.assign(new URL(file, window.location.href)))
          .catch(() => undefined); // the browser says that there is no connection
      }}
    >
      {t("download")}
    </a>
  );
}
