const PARTS = /(\{(?:operator|address|email)\}|\[[^\]]+\]|https:\/\/\S+)/;

/** Fills in the operator, links addresses, and marks what is still missing. */
export function InfoText(props: {
  operator: Record<"operator" | "address" | "email", string>;
  children: string;
}) {
  return props.children.split(PARTS).map((part, at) => {
    const name = /^\{(\w+)\}$/.exec(part)?.[1] as keyof typeof props.operator | undefined;
    const text = name ? props.operator[name] : part;
    if (text.startsWith("[")) return <mark key={at}>{text}</mark>;
    if (name === "email") return <Anchor key={at} href={`mailto:${text}`} text={text} />;
    if (text.startsWith("https://")) return <Anchor key={at} href={text} text={text} />;
    return text;
  });
}

function Anchor({ href, text }: { href: string; text: string }) {
  return (
    <a href={href} className="underline underline-offset-4">
      {text}
    </a>
  );
}
