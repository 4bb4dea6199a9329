import type { ReactNode } from "react";
import type { Messages as MessageCatalog } from "use-intl";
import { MessagesProvider } from "./messages-provider";
import { getMessages, getReaderLocale } from "./server";

/** Sends the named message namespaces to the client components inside. Pages without it send none. */
export async function Messages(props: {
  of: readonly (keyof MessageCatalog)[];
  children: ReactNode;
}) {
  const { language } = await getReaderLocale();
  return (
    <MessagesProvider language={language} messages={await getMessages(...props.of)}>
      {props.children}
    </MessagesProvider>
  );
}
