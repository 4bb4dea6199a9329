"use client";

import { type ReactNode, useId, useRef } from "react";
import { Button } from "./button";
import { buttonStyle } from "./button-style";

/**
 * A button that asks for confirmation before an action that cannot be undone. The browser's own modal dialog
 * keeps the focus inside, closes with Escape, and gives the focus back.
 */
export function ConfirmDialog(props: {
  triggerLabel: string;
  title: string;
  text: string;
  confirmLabel: string;
  busyLabel: string;
  dismissLabel: string;
  busy: boolean;
  onConfirm: () => void;
  children?: ReactNode;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  return (
    <>
      <button
        type="button"
        aria-haspopup="dialog"
        className={buttonStyle("quiet")}
        onClick={() => dialog.current?.showModal()}
      >
        {props.triggerLabel}
      </button>
      <dialog
        ref={dialog}
        role="alertdialog"
        aria-labelledby={`${id}-title`}
        aria-describedby={`${id}-text`}
        className="m-auto w-[min(26rem,calc(100vw-2rem))] rounded-2xl border border-transparent bg-card p-6 text-ink shadow-2xl backdrop:bg-black/50"
      >
        <h2 id={`${id}-title`} className="text-2xl font-semibold">
          {props.title}
        </h2>
        <p id={`${id}-text`} className="mt-2 text-muted">
          {props.text}
        </p>
        {props.children}
        <div className="mt-6 flex flex-wrap justify-end gap-3">
          <button
            type="button"
            className={buttonStyle("secondary")}
            onClick={() => dialog.current?.close()}
          >
            {props.dismissLabel}
          </button>
          <Button
            variant="danger"
            busy={props.busy}
            busyLabel={props.busyLabel}
            onClick={props.onConfirm}
          >
            {props.confirmLabel}
          </Button>
        </div>
      </dialog>
    </>
  );
}
