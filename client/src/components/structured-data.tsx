/** Facts of the page for search engines (schema.org), which the browser does not execute. */
export function StructuredData({ data }: { data: object }) {
  const json = JSON.stringify({ "@context": "https://schema.org", ...data });
  const escaped = json.replaceAll("<", "\\u003c"); // so that no text can end the script element
  return <script type="application/ld+json">{escaped}</script>;
}
