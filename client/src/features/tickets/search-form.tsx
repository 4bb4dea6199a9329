"use client";

import { useRouter } from "next/navigation";
import { type SyntheticEvent, useState, useTransition } from "react";
import { Button } from "@/components/ui/button";
import { inputStyle } from "@/components/ui/input-style";
import { cn } from "@/lib/cn";
import { parseSearch, type Search, searchHref, SORTS } from "./search";

export interface SearchLabels {
  search: string;
  placeholder: string;
  sort: string;
  sorts: Record<(typeof SORTS)[number], string>;
  minPrice: string;
  maxPrice: string;
  filters: string;
  apply: string;
}

/**
 * The search form: a plain GET form, which works before its script has loaded. `problems` holds the
 * API's validation errors of the current search by field name.
 */
export function SearchForm(props: {
  search: Search;
  labels: SearchLabels;
  problems: Record<string, string>;
}) {
  const { search, labels, problems } = props;
  const router = useRouter();
  const [pending, startTransition] = useTransition();
  const [open, setOpen] = useState(() => searchHref({ ...search, q: "", cursor: "" }) !== "/");

  function navigate(form: HTMLFormElement) {
    const fields = Object.fromEntries(new FormData(form)) as Record<string, string>;
    startTransition(() => router.push(searchHref(parseSearch(fields)), { scroll: false }));
  }

  function onSubmit(event: SyntheticEvent<HTMLFormElement>) {
    event.preventDefault();
    navigate(event.currentTarget);
  }

  return (
    <form
      role="search"
      action="/"
      onSubmit={onSubmit}
      className="grid grid-cols-[1fr_auto] items-start gap-3 md:grid-cols-[1fr_12rem_7.5rem_7.5rem_auto]"
    >
      {pending && <span hidden data-pending="" />}
      <LabelledField label={labels.search}>
        <input
          type="search"
          name="q"
          dir="auto"
          maxLength={200}
          defaultValue={search.q}
          placeholder={labels.placeholder}
          className={inputStyle}
        />
      </LabelledField>
      <Button type="submit" busy={pending} className="mt-6 min-h-12 md:order-last">
        {labels.apply}
      </Button>
      <Button
        variant="quiet"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
        className="col-span-2 justify-self-start md:hidden"
      >
        {labels.filters}
      </Button>
      <div className={cn("col-span-2 grid-cols-2 gap-3 md:contents", open ? "grid" : "hidden")}>
        <LabelledField label={labels.sort} className="max-md:col-span-2">
          <span className="relative block">
            <select
              name="sort"
              defaultValue={search.sort}
              onChange={(event) => event.currentTarget.form && navigate(event.currentTarget.form)}
              className={cn(inputStyle, "appearance-none truncate pr-10")}
            >
              {SORTS.map((sort) => (
                <option key={sort} value={sort}>
                  {labels.sorts[sort]}
                </option>
              ))}
            </select>
            <Chevron />
          </span>
        </LabelledField>
        {(["minPrice", "maxPrice"] as const).map((name) => (
          <PriceInput
            key={name}
            name={name}
            label={labels[name]}
            value={search[name]}
            problem={problems[name]}
          />
        ))}
      </div>
    </form>
  );
}

function PriceInput(props: {
  name: string;
  label: string;
  value: string;
  problem?: string | undefined;
}) {
  const { name, label, value, problem } = props;
  const errorId = problem ? `${name}-problem` : undefined;
  return (
    <div>
      <LabelledField label={label}>
        <input
          name={name}
          inputMode="decimal"
          defaultValue={value}
          aria-invalid={problem ? true : undefined}
          aria-describedby={errorId}
          className={inputStyle}
        />
      </LabelledField>
      {problem && (
        <p id={errorId} className="mt-1 text-sm font-semibold text-bad">
          {problem}
        </p>
      )}
    </div>
  );
}

function Chevron() {
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

function LabelledField(props: { label: string; className?: string; children: React.ReactNode }) {
  return (
    <label className={props.className}>
      <span className="mb-1 block text-sm font-semibold">{props.label}</span>
      {props.children}
    </label>
  );
}
