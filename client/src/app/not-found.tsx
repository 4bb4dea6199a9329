import type { Metadata } from "next";
import { Link } from "@/components/link";
import { Blank } from "@/components/ui/empty-state";
import { buttonStyle } from "@/components/ui/button-style";
import { paths } from "@/config/paths";
import { words } from "@/i18n/server";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await words("Trouble"))("notFoundTitle") };
}

export default async function NotFound() {
  const t = await words("Trouble");
  return (
    <Blank
      heading="h1"
      title={t("notFoundTitle")}
      action={
        <Link href={paths.home} className={buttonStyle()}>
          {t("home")}
        </Link>
      }
    >
      {t("notFoundText")}
    </Blank>
  );
}
