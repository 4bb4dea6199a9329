import type { ReactNode } from "react";
import { paths } from "@/config/paths";
import { getTranslations } from "@/i18n/server";
import type { User } from "@/lib/api/types";
import { cn } from "@/lib/cn";
import { Link } from "../link";
import { buttonStyle } from "../ui/button-style";
import { MobileMenu } from "./mobile-menu";
import { NavLink } from "./nav-link";

const MAX_SHOWN = 99;

interface NavItem {
  href: string;
  label: ReactNode;
}

export async function Header({ user, unread }: { user: User | null; unread: number }) {
  const t = await getTranslations("Nav");
  const mainItems: NavItem[] = user
    ? [
        { href: paths.home, label: t("browse") },
        { href: paths.newTicket, label: t("sell") },
        { href: paths.myTickets, label: t("myTickets") },
        { href: paths.orders, label: t("orders") },
      ]
    : [
        { href: paths.home, label: t("browse") },
        { href: paths.newTicket, label: t("sell") },
      ];
  const accountItems: NavItem[] = user
    ? [
        { href: paths.account, label: <Marked count={unread}>{t("account")}</Marked> },
        { href: paths.signOut, label: t("signOut") },
      ]
    : [{ href: paths.signIn(), label: t("signIn") }];
  const renderLinks = (items: NavItem[]) =>
    items.map(({ href, label }) => (
      <li key={href}>
        <NavLink href={href}>{label}</NavLink>
      </li>
    ));
  return (
    <header className="border-b border-line">
      <nav
        aria-label={t("label")}
        className="mx-auto flex max-w-6xl items-center justify-between gap-4 px-4 py-3 sm:px-6"
      >
        <Wordmark />
        <div className="hidden grow items-center justify-between gap-4 pl-4 lg:flex">
          <ul className="flex items-center gap-1">{renderLinks(mainItems)}</ul>
          <ul className={cn("flex items-center gap-1", user && "-mr-3.5")}>
            {renderLinks(accountItems)}
            {!user && (
              <li>
                <Link href={paths.signUp()} className={buttonStyle("primary", "ml-2")}>
                  {t("signUp")}
                </Link>
              </li>
            )}
          </ul>
        </div>
        <div className="lg:hidden">
          <MobileMenu label={<Marked count={user ? unread : 0}>{t("menu")}</Marked>}>
            <ul>{renderLinks(mainItems)}</ul>
            <ul className="mt-2 border-t border-line pt-2">
              {renderLinks(accountItems)}
              {!user && renderLinks([{ href: paths.signUp(), label: t("signUp") }])}
            </ul>
          </MobileMenu>
        </div>
      </nav>
    </header>
  );
}

/**
 * A label with the number of unread messages, if there are any. Its parts are elements, because a browser's
 * translator replaces text nodes, which React could not remove.
 */
async function Marked({ count, children }: { count: number; children: string }) {
  const t = await getTranslations("Nav");
  return (
    <span className="inline-flex items-center gap-2">
      <span>{children}</span>
      {count > 0 && (
        <span>
          {" "}
          <span className="rounded-full bg-accent px-2 text-sm font-bold text-on-accent">
            <span aria-hidden>{count > MAX_SHOWN ? `${MAX_SHOWN}+` : count}</span>
            <span className="sr-only">{t("unread", { count })}</span>
          </span>
        </span>
      )}
    </span>
  );
}

async function Wordmark() {
  const t = await getTranslations("Site");
  return (
    <Link
      href={paths.home}
      className="flex min-h-11 items-center gap-2.5 font-display text-xl font-bold tracking-tight"
    >
      <svg aria-hidden width="34" height="22" viewBox="0 0 34 22" className="text-accent">
        <path
          d="M4 0h17.5a2.5 2.5 0 0 0 5 0H30a4 4 0 0 1 4 4v14a4 4 0 0 1-4 4h-3.5a2.5 2.5 0 0 0-5 0H4a4 4 0 0 1-4-4V4a4 4 0 0 1 4-4Z"
          fill="currentColor"
        />
        <path d="M24 5v12" stroke="var(--paper)" strokeWidth="1.75" strokeDasharray="2.2 2.2" />
      </svg>
      {t("name")}
    </Link>
  );
}
