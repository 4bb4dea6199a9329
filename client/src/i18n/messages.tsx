import type { ReactNode } from "react";
import type { Messages as MessageCatalog } from "use-intl";
import { getMessages, getReaderLocale } from "./server";
import { MessagesProvider } from "./messages-provider";

/** Wraps what runs in the browser and speaks; pages without it load no dictionary. */
export async function Messages(props: { of: (keyof MessageCatalog)[]; children: ReactNode }) {
  const { language } = await getReaderLocale();
  return (
    <MessagesProvider language={language} messages={await getMessages(...props.of)}>
      {props.children}
    </MessagesProvider>
  );
}
