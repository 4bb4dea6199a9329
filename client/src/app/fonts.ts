import localFont from "next/font/local";

// Optional: a font that comes late waits for the next page, so that no text moves while it is read.

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
