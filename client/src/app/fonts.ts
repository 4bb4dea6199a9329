import localFont from "next/font/local";

// With `optional`, a font that loads late is used from the next page on, so that text does not shift.

export const text = localFont({
  src: "../../node_modules/@fontsource-variable/instrument-sans/files/instrument-sans-latin-wght-normal.woff2",
  display: "optional",
  variable: "--font-text",
  weight: "400 700",
});

export const headline = localFont({
  src: "../../node_modules/@fontsource-variable/bricolage-grotesque/files/bricolage-grotesque-latin-wght-normal.woff2",
  display: "optional",
  variable: "--font-headline",
  weight: "200 800",
});
