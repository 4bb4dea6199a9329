import type { Metadata } from "next";
import { SignOut } from "@/features/auth/sign-out";
import { Messages } from "@/i18n/messages";
import { getTranslations } from "@/i18n/server";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations("Nav"))("signOut") };
}

export default function SignOutPage() {
  return (
    <Messages of={["Auth"]}>
      <SignOut />
    </Messages>
  );
}
