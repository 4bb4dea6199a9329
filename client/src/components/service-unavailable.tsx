import type { Messages } from "use-intl/core";
import { words } from "@/i18n/server";
import { ServiceDown } from "./refresh-button";

type What = Extract<keyof Messages["Trouble"], `down${string}`>;

/** Says on the server which part is away. */
export async function Down(props: { what: Exclude<What, "downTitle">; heading?: "h1" | "h2" }) {
  const t = await words("Trouble");
  return (
    <ServiceDown
      title={t("downTitle")}
      text={t(props.what)}
      retry={t("retry")}
      {...(props.heading && { heading: props.heading })}
    />
  );
}
