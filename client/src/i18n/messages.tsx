import type { ReactNode } from "react";
import type { Messages } from "use-intl";
import { messages, reader } from "./server";
import { WordsProvider } from "./messages-provider";

/** Wraps what runs in the browser and speaks; pages without it load no dictionary. */
export async function Words(props: { of: (keyof Messages)[]; children: ReactNode }) {
  const { language } = await reader();
  return (
    <WordsProvider language={language} messages={await messages(...props.of)}>
      {props.children}
    </WordsProvider>
  );
}
