import { Link } from "./link";

export function BackLink({ href, children }: { href: string; children: string }) {
  return (
    <p className="pt-6 print:hidden">
      <Link
        href={href}
        className="inline-flex min-h-11 items-center gap-2 text-muted underline-offset-4 hover:text-ink hover:underline"
      >
        <span aria-hidden>←</span>
        {children}
      </Link>
    </p>
  );
}
