import compile from "icu-minify/compile";
import type { Messages } from "use-intl/core";

/**
 * Compiles the messages on the server, so that pages need no parser of ICU messages in their scripts (8 KB):
 * next.config.ts chooses the formatter of compiled messages.
 */
export function compileMessages(messages: Messages): Messages {
  const namespaces = Object.entries(messages).map(([namespace, texts]) => [
    namespace,
    Object.fromEntries(Object.entries(texts).map(([key, text]) => [key, compile(text)])),
  ]);
  // The compiler makes objects without a prototype, which React does not pass to client components.
  return JSON.parse(JSON.stringify(Object.fromEntries(namespaces))) as Messages;
}
