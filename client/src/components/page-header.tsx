import type { ReactNode } from "react";

export function PageHeader(props: { title: string; lead?: string; action?: ReactNode }) {
  return (
    <header className="flex flex-wrap items-end justify-between gap-4 pt-10 pb-8">
      <div>
        <h1 className="text-4xl font-bold sm:text-5xl">{props.title}</h1>
        {props.lead && <p className="mt-2 max-w-prose text-lg text-muted">{props.lead}</p>}
      </div>
      {props.action}
    </header>
  );
}
