import type { Messages } from "use-intl/core";
import { getTranslations } from "@/i18n/server";
import { RefreshButton } from "./refresh-button";
import { EmptyState } from "./ui/empty-state";

type MessageKey = Extract<keyof Messages["Error"], `${string}Unavailable`>;

/** Replaces the part of a page whose service is unavailable, until the service responds again. */
export async function ServiceUnavailable(props: { message: MessageKey; heading?: "h1" | "h2" }) {
  const t = await getTranslations("Error");
  return (
    <div role="alert">
      <EmptyState
        title={t("unavailableTitle")}
        {...(props.heading && { heading: props.heading })}
        action={<RefreshButton>{t("retry")}</RefreshButton>}
      >
        <p>{t(props.message)}</p>
        <p className="mt-2">{t("retrying")}</p>
      </EmptyState>
    </div>
  );
}
