import type { Metadata } from "next";
import { Link } from "@/components/link";
import { buttonStyle } from "@/components/ui/button-style";
import { EmptyState } from "@/components/ui/empty-state";
import { paths } from "@/config/paths";
import { getTranslations } from "@/i18n/server";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations("Error"))("notFoundTitle") };
}

export default async function NotFound() {
  const t = await getTranslations("Error");
  return (
    <EmptyState
      heading="h1"
      title={t("notFoundTitle")}
      action={
        <Link href={paths.home} className={buttonStyle()}>
          {t("home")}
        </Link>
      }
    >
      {t("notFoundText")}
    </EmptyState>
  );
}
