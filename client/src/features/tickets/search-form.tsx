"use client";

import { useRouter } from "next/navigation";
import { type SyntheticEvent, useTransition } from "react";
import { Button } from "@/components/ui/button";
import { inputStyle } from "@/components/ui/input-style";
import { type Search, searchFrom, searchHref, SORTS } from "./search";

export interface SearchLabels {
  search: string;
  placeholder: string;
  sort: string;
  sorts: Record<(typeof SORTS)[number], string>;
  minPrice: string;
  maxPrice: string;
  apply: string;
}

/** The search: a plain GET form that also works before its script has come. */
export function SearchForm({ search, labels }: { search: Search; labels: SearchLabels }) {
  const router = useRouter();
  const [pending, startTransition] = useTransition();

  function go(form: HTMLFormElement) {
    const fields = Object.fromEntries(new FormData(form)) as Record<string, string>;
    startTransition(() => router.push(searchHref(searchFrom(fields)), { scroll: false }));
  }

  function onSubmit(event: SyntheticEvent<HTMLFormElement>) {
    event.preventDefault();
    go(event.currentTarget);
  }

  return (
    <form
      role="search"
      action="/"
      onSubmit={onSubmit}
      className="grid grid-cols-2 gap-3 md:grid-cols-[1fr_12rem_8rem_8rem_auto] md:items-end"
    >
      {pending && <span hidden data-pending="" />}
      <Labelled label={labels.search} className="col-span-2 md:col-span-1">
        <input
          type="search"
          name="q"
          maxLength={200}
          defaultValue={search.q}
          placeholder={labels.placeholder}
          className={inputStyle}
        />
      </Labelled>
      <Labelled label={labels.sort} className="col-span-2 md:col-span-1">
        <select
          name="sort"
          defaultValue={search.sort}
          onChange={(event) => event.currentTarget.form && go(event.currentTarget.form)}
          className={inputStyle}
        >
          {SORTS.map((sort) => (
            <option key={sort} value={sort}>
              {labels.sorts[sort]}
            </option>
          ))}
        </select>
      </Labelled>
      <Labelled label={labels.minPrice}>
        <input
          name="minPrice"
          inputMode="decimal"
          defaultValue={search.minPrice}
          className={inputStyle}
        />
      </Labelled>
      <Labelled label={labels.maxPrice}>
        <input
          name="maxPrice"
          inputMode="decimal"
          defaultValue={search.maxPrice}
          className={inputStyle}
        />
      </Labelled>
      <Button type="submit" busy={pending} className="col-span-2 min-h-12 md:col-span-1">
        {labels.apply}
      </Button>
    </form>
  );
}

function Labelled(props: { label: string; className?: string; children: React.ReactNode }) {
  return (
    <label className={props.className}>
      <span className="mb-1 block text-sm font-semibold">{props.label}</span>
      {props.children}
    </label>
  );
}
