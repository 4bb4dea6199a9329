import type { Messages } from "use-intl/core";

/** Names of codes, by the names that the service has for them. */
const NAMES: Record<string, string> = {
  qr: "QR",
  micro_qr: "Micro QR",
  aztec: "Aztec",
  pdf417: "PDF417",
  data_matrix: "Data Matrix",
  code_128: "Code 128",
};

type Translate = (key: "otherCode" & keyof Messages["Upload"]) => string;

export function codeName(symbology: string, translate: Translate): string {
  return NAMES[symbology] ?? translate("otherCode");
}

/** Returns "QR, Code 128". */
export function codeNames(symbologies: readonly string[], translate: Translate): string {
  return [...new Set(symbologies)].map((symbology) => codeName(symbology, translate)).join(", ");
}
