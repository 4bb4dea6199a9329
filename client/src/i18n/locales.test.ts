import { expect, test } from "vitest";
import de from "../../messages/de.json";
import en from "../../messages/en.json";
import { negotiateLocale, parseTimeZone } from "./locales";

test.each([
  [undefined, null, "en", "en"],
  [undefined, "de-AT,de;q=0.9,en;q=0.5", "de", "de-AT"],
  [undefined, "en;q=0.4, de;q=0.8", "de", "de"],
  [undefined, "fr-FR, en-GB;q=0.5", "en", "en-GB"],
  ["en", "de-DE,de", "en", "en"],
  ["de", "en-US,de-CH;q=0.3", "de", "de-CH"],
  ["xx", "de", "de", "de"],
  [undefined, "*;q=1, <script>;q=0.9", "en", "en"],
  [undefined, "en-usa", "en", "en"],
  [undefined, "de-deu, de-AT;q=0.8", "de", "de-AT"],
  [undefined, "de-1996-1996, en-gb;q=0.3", "en", "en-GB"],
  [undefined, "en-u, de-x-y;q=0.5", "de", "de"],
  [undefined, "de-AT-u-nu-arab", "de", "de-AT"],
  ["de", "de-deu", "de", "de"],
  ["en", "en-us-posix-posix", "en", "en"],
])(
  "cookie %s and Accept-Language %s choose %s, formatted as %s",
  (cookie, header, language, locale) => {
    expect(negotiateLocale(cookie, header)).toEqual({ language, locale });
  },
);

test.each(["en-usa", "de-deu", "en-u", "de-1996-1996", "de-x-y", "en-GB-oed", "de-CH-1901"])(
  "numbers can be formatted whatever the tag, such as %s",
  (tag) => {
    expect(() => new Intl.NumberFormat(negotiateLocale(undefined, tag).locale)).not.toThrow();
  },
);

test("an unknown time zone is rejected", () => {
  expect(parseTimeZone("Europe/Berlin")).toBe("Europe/Berlin");
  expect(parseTimeZone("Mars/Olympus")).toBeUndefined();
  expect(parseTimeZone(undefined)).toBeUndefined();
});

test("an ellipsis follows its word in English, and a no-break space in German", () => {
  const texts = (messages: object) => JSON.stringify(messages).split("…");
  const before = (messages: object) => texts(messages).slice(0, -1);
  expect(before(en).filter((text) => /\s$/.test(text))).toEqual([]);
  expect(before(de).filter((text) => !text.endsWith("\u00a0"))).toEqual([]);
});

test("both languages have the same keys and placeholders", () => {
  const shape = (messages: Record<string, Record<string, string>>) =>
    Object.entries(messages).flatMap(([namespace, texts]) =>
      Object.entries(texts).map(
        ([key, text]) =>
          `${namespace}.${key} ${(text.match(/\{\w+(?=[,}])/g) ?? []).sort().join()}`,
      ),
    );
  expect(shape(de)).toEqual(shape(en));
});
