import { numberFormat } from "./formatters";

/** Returns "180 KB" or "2.4 MB". */
export function formatSize(bytes: number, locale: string): string {
  const [value, unit] =
    bytes < 1_000_000 ? [bytes / 1_000, "kilobyte"] : [bytes / 1_000_000, "megabyte"];
  const maximumFractionDigits = unit === "megabyte" ? 1 : 0;
  return numberFormat(locale, { style: "unit", unit, maximumFractionDigits }).format(value);
}
