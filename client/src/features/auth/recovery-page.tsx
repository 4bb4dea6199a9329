import type { ReactNode } from "react";
import { Link } from "@/components/link";

/** A page to get back into an account: a title, what it is for, a form, and where else to go. */
export function RecoveryPage(props: {
  title: string;
  lead: string;
  other?: { href: string; label: string };
  children?: ReactNode;
}) {
  return (
    <div className="mx-auto max-w-md py-12 sm:py-20">
      <h1 className="text-4xl font-bold wrap-anywhere sm:text-5xl">{props.title}</h1>
      <p className="mt-2 mb-8 text-lg wrap-anywhere text-muted">{props.lead}</p>
      {props.children}
      {props.other && (
        <p className="mt-8">
          <Link href={props.other.href} className="font-semibold underline underline-offset-4">
            {props.other.label}
          </Link>
        </p>
      )}
    </div>
  );
}
