import type en from "../../messages/en.json";
import type { Language } from "./locales";

declare module "use-intl" {
  interface AppConfig {
    Locale: Language;
    Messages: typeof en;
  }
}
