"use client";

import { usePathname } from "next/navigation";
import type { ReactNode } from "react";
import { cn } from "@/lib/cn";
import { Link } from "../link";

/** A link of the main menu, marked when it is the current page. */
export function NavLink(props: { href: string; className?: string; children: ReactNode }) {
  const current = usePathname() === props.href;
  return (
    <Link
      href={props.href}
      aria-current={current ? "page" : undefined}
      className={cn(
        "flex min-h-11 items-center rounded-full px-3.5 font-medium hover:bg-well",
        current && "bg-well",
        props.className,
      )}
    >
      {props.children}
    </Link>
  );
}
