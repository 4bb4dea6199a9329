import type { Language } from "@/i18n/locales";
import { GERMAN } from "./content-de";
import { ENGLISH } from "./content-en";

export type InfoPageName = "help" | "contact" | "terms" | "privacy" | "imprint";

export interface InfoText {
  title: string;
  lead: string;
  sections: { id?: string; heading: string; paragraphs: string[] }[];
}

/**
 * The texts of the pages that the operator of the site has to answer for. They are templates: {operator},
 * {address} and {email} are settings (see the README), and what stands in [brackets] must be completed here.
 */
export interface InfoContent {
  /** Shown until the settings are there. */
  notice: string;
  missing: { operator: string; address: string; email: string };
  pages: Record<InfoPageName, InfoText>;
}

export const CONTENT: Record<Language, InfoContent> = { en: ENGLISH, de: GERMAN };
