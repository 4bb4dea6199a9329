"use client";

import { type ReactNode, useRef } from "react";
import { buttonStyle } from "../ui/button-style";

/** The main menu on narrow screens. A native popover, which closes when an item is chosen. */
export function MobileMenu({ label, children }: { label: ReactNode; children: ReactNode }) {
  const menu = useRef<HTMLDivElement>(null);
  return (
    <>
      <button type="button" popoverTarget="menu" className={buttonStyle("secondary")}>
        {label}
      </button>
      <div
        ref={menu}
        id="menu"
        popover="auto"
        onClick={() => menu.current?.hidePopover()}
        className="inset-x-3 top-18 m-0 w-auto rounded-2xl border border-line bg-card p-3 text-ink shadow-2xl backdrop:bg-black/40"
      >
        {children}
      </div>
    </>
  );
}
