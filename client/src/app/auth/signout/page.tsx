import type { Metadata } from "next";
import { buttonStyle } from "@/components/ui/button-style";
import { paths } from "@/config/paths";
import { SignOut } from "@/features/auth/sign-out";
import { Messages } from "@/i18n/messages";
import { getTranslations } from "@/i18n/server";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations("Nav"))("signOut") };
}

export default async function SignOutPage() {
  const t = await getTranslations("Nav");
  return (
    <>
      <Messages of={["Auth"]}>
        <SignOut />
      </Messages>
      <noscript>
        <form method="post" action={paths.signOutForm} className="text-center">
          <button className={buttonStyle()}>{t("signOut")}</button>
        </form>
      </noscript>
    </>
  );
}
