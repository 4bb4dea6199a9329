import type { ReactNode } from "react";
import { paths } from "@/config/paths";
import { Link } from "./link";

/** The link of a text's `<help>` tag. */
export const helpLink = (text: ReactNode) => (
  <Link href={paths.help} className="underline underline-offset-4 print:hidden">
    {text}
  </Link>
);
