"use client";

import type { ReactNode } from "react";
import { IntlProvider, type Messages } from "use-intl";
import type { Language } from "./locales";

/** Gives the browser's side of a page the words it uses. */
export function MessagesProvider(props: {
  language: Language;
  messages: Partial<Messages>;
  children: ReactNode;
}) {
  return (
    <IntlProvider locale={props.language} messages={props.messages} timeZone="UTC">
      {props.children}
    </IntlProvider>
  );
}
