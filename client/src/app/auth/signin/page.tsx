import type { Metadata } from "next";
import { redirect } from "next/navigation";
import { Link } from "@/components/link";
import { ServiceUnavailable } from "@/components/service-unavailable";
import { localPath, paths } from "@/config/paths";
import { CredentialsForm } from "@/features/auth/credentials-form";
import { PasskeySignIn } from "@/features/auth/passkey-sign-in";
import { getTypedEmail } from "@/features/auth/typed-email";
import { getFormProblems } from "@/i18n/form-problems";
import { Messages } from "@/i18n/messages";
import { getTranslations } from "@/i18n/server";
import { getCurrentUser, isSessionUnavailable } from "@/lib/api/session";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations("Auth"))("signIn") };
}

export default async function SignInPage({ searchParams }: PageProps<"/auth/signin">) {
  const params = await searchParams;
  const next = localPath(params.next);
  if (await getCurrentUser()) redirect(next);
  if (await isSessionUnavailable()) {
    return <ServiceUnavailable message="accountUnavailable" heading="h1" />;
  }
  const t = await getTranslations("Auth");
  const other = paths.signUp(next);
  const problems = await getFormProblems(params);
  return (
    <div className="mx-auto max-w-md py-12 sm:py-20">
      <h1 className="text-4xl font-bold sm:text-5xl">{t("signInTitle")}</h1>
      <p className="mt-2 mb-8 text-lg text-muted">{t("signInLead")}</p>
      <Messages of={["Auth", "Passkeys", "Problem"]}>
        <CredentialsForm
          purpose="signIn"
          next={next}
          problems={problems}
          email={problems.length > 0 ? await getTypedEmail() : ""}
        />
        <div className="mt-6">
          <PasskeySignIn next={next} />
        </div>
      </Messages>
      <p className="mt-8">
        <Link href={paths.forgot} className="font-semibold underline underline-offset-4">
          {(await getTranslations("Recovery"))("forgot")}
        </Link>
      </p>
      <p className="mt-4 text-muted">
        {t("noAccount")}{" "}
        <Link href={other} className="font-semibold text-ink underline underline-offset-4">
          {t("toSignUp")}
        </Link>
      </p>
    </div>
  );
}
