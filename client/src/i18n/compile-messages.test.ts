import format, { type FormatValues } from "icu-minify/format";
import { createTranslator } from "use-intl/core";
import { expect, test } from "vitest";
import de from "../../messages/de.json";
import en from "../../messages/en.json";
import { compileMessages } from "./compile-messages";

const formatters = {
  getDateTimeFormat: (...args: ConstructorParameters<typeof Intl.DateTimeFormat>) =>
    new Intl.DateTimeFormat(...args),
  getNumberFormat: (...args: ConstructorParameters<typeof Intl.NumberFormat>) =>
    new Intl.NumberFormat(...args),
  getPluralRules: (...args: ConstructorParameters<typeof Intl.PluralRules>) =>
    new Intl.PluralRules(...args),
};

/** Returns values for all arguments of a message, and functions for its tags. */
function valuesFor(text: string, value: string | number): FormatValues<string> {
  const names = [...text.matchAll(/\{(\w+)/g)].map(([, name = ""]) => [name, value] as const);
  const tags = [...text.matchAll(/<(\w+)>/g)].map(
    ([, name = ""]) => [name, (chunks: string[]) => `[${[chunks].flat().join("")}]`] as const,
  );
  return Object.fromEntries<string | number | ((chunks: string[]) => string)>([...names, ...tags]);
}

test.each([
  ["en", en],
  ["de", de],
] as const)("the compiled messages of %s are formatted as by use-intl's parser", (locale, all) => {
  const compiled = compileMessages(all) as unknown as Record<string, Record<string, string>>;
  for (const [namespace, texts] of Object.entries(all)) {
    const t = createTranslator({ locale, messages: all }) as unknown as {
      markup: (key: string, values: object) => string;
    };
    for (const [key, text] of Object.entries(texts)) {
      for (const value of [0, 1, 2, 1234]) {
        const values = valuesFor(text, value);
        const message = compiled[namespace]?.[key] ?? "";
        expect(format(message, locale, values, { formatters }), `${namespace}.${key}`).toBe(
          t.markup(`${namespace}.${key}`, values),
        );
      }
    }
  }
});
