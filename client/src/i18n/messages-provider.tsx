"use client";

import type { ReactNode } from "react";
import { IntlProvider, type Messages } from "use-intl";
import type { Language } from "./locales";

/** Provides messages to client components. */
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
