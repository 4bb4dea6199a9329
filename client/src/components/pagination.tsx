import { Link } from "./link";
import { buttonStyle } from "./ui/button-style";

/** Links to the next and the first page of a list. */
export function Pagination(props: {
  label: string;
  next: { href: string; label: string } | null;
  first: { href: string; label: string } | null;
}) {
  if (!props.next && !props.first) return null;
  return (
    <nav aria-label={props.label} className="mt-10 flex flex-wrap justify-center gap-3">
      {props.first && (
        <Link href={props.first.href} className={buttonStyle("quiet")}>
          {props.first.label}
        </Link>
      )}
      {props.next && (
        <Link href={props.next.href} className={buttonStyle("secondary")}>
          {props.next.label}
        </Link>
      )}
    </nav>
  );
}
