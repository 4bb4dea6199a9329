import type { Metadata } from "next";
import { SignOut } from "@/features/auth/sign-out";
import { words } from "@/i18n/server";
import { Words } from "@/i18n/messages";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await words("Nav"))("signOut") };
}

export default function SignOutPage() {
  return (
    <Words of={["Auth"]}>
      <SignOut />
    </Words>
  );
}
