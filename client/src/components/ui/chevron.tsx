/** The mark of a select, whose own one cannot be styled. */
export function Chevron() {
  return (
    <svg
      aria-hidden
      viewBox="0 0 12 8"
      className="pointer-events-none absolute top-1/2 right-4 w-3 -translate-y-1/2"
    >
      <path d="m1 1.5 5 5 5-5" fill="none" stroke="currentColor" strokeWidth="1.75" />
    </svg>
  );
}
