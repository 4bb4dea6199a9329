import type { Metadata } from "next";
import { redirect } from "next/navigation";
import { Link } from "@/components/link";
import { ServiceUnavailable } from "@/components/service-unavailable";
import { localPath, paths } from "@/config/paths";
import { CredentialsForm } from "@/features/auth/credentials-form";
import { getTypedEmail } from "@/features/auth/typed-email";
import { getFormProblems } from "@/i18n/form-problems";
import { Messages } from "@/i18n/messages";
import { getTranslations } from "@/i18n/server";
import { getCurrentUser, isSessionUnavailable } from "@/lib/api/session";

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations("Auth"))("signUp") };
}

export default async function SignUpPage({ searchParams }: PageProps<"/auth/signup">) {
  const params = await searchParams;
  const next = localPath(params.next);
  if (await getCurrentUser()) redirect(next);
  if (await isSessionUnavailable()) {
    return <ServiceUnavailable message="accountUnavailable" heading="h1" />;
  }
  const t = await getTranslations("Auth");
  const other = paths.signIn(next);
  const problems = await getFormProblems(params);
  return (
    <div className="mx-auto max-w-md py-12 sm:py-20">
      <h1 className="text-4xl font-bold sm:text-5xl">{t("signUpTitle")}</h1>
      <p className="mt-2 mb-8 text-lg text-muted">{t("signUpLead")}</p>
      <Messages of={["Auth", "Legal", "Problem"]}>
        <CredentialsForm
          purpose="signUp"
          next={next}
          problems={problems}
          email={problems.length > 0 ? await getTypedEmail() : ""}
        />
      </Messages>
      <p className="mt-8 text-muted">
        {t("haveAccount")}{" "}
        <Link href={other} className="font-semibold text-ink underline underline-offset-4">
          {t("toSignIn")}
        </Link>
      </p>
    </div>
  );
}
