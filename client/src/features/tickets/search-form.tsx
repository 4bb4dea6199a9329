"use client";

import { useRouter } from "next/navigation";
import { type SyntheticEvent, useState, useTransition } from "react";
import { Button } from "@/components/ui/button";
import { Chevron } from "@/components/ui/chevron";
import { inputStyle } from "@/components/ui/input-style";
import type { Category } from "@/lib/api/types";
import { CATEGORIES } from "@/lib/categories";
import { cn } from "@/lib/cn";
import { parseSearch, type Search, searchHref, SORTS } from "./search";

export interface SearchLabels {
  search: string;
  placeholder: string;
  sort: string;
  sorts: Record<(typeof SORTS)[number], string>;
  category: string;
  /** Of any category, if the key is empty. */
  categories: Record<Category | "", string>;
  from: string;
  to: string;
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
  const [open, setOpen] = useState(() => hasMoreFilters(search));

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
      className="grid grid-cols-[1fr_auto] items-start gap-3"
    >
      {search.city && <input type="hidden" name="city" value={search.city} />}
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
      <Button type="submit" busy={pending} className="mt-6 min-h-12">
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
      <div
        className={cn(
          "col-span-2 grid-cols-2 items-start gap-3 md:grid md:grid-cols-[1.4fr_1.2fr_1.2fr_1.2fr_1fr_1fr]",
          open ? "grid" : "hidden",
        )}
      >
        <Choice
          name="sort"
          label={labels.sort}
          value={search.sort}
          options={SORTS.map((sort) => [sort, labels.sorts[sort]])}
          onChoose={navigate}
        />
        <Choice
          name="category"
          label={labels.category}
          value={search.category}
          options={["" as const, ...CATEGORIES].map((each) => [each, labels.categories[each]])}
          onChoose={navigate}
        />
        {(["from", "to", "minPrice", "maxPrice"] as const).map((name) => (
          <FilterInput
            key={name}
            name={name}
            type={name === "from" || name === "to" ? "date" : "text"}
            label={labels[name]}
            value={search[name]}
            problem={problems[name]}
          />
        ))}
      </div>
    </form>
  );
}

/** Returns whether there are filters besides the words, and the city and the day that have chips. */
function hasMoreFilters({ sort, category, minPrice, maxPrice, from, to }: Search): boolean {
  return sort !== SORTS[0] || [category, minPrice, maxPrice].some(Boolean) || from !== to;
}

function Choice(props: {
  name: string;
  label: string;
  value: string;
  options: [value: string, label: string][];
  onChoose: (form: HTMLFormElement) => void;
}) {
  return (
    <LabelledField label={props.label}>
      <span className="relative block">
        <select
          name={props.name}
          defaultValue={props.value}
          onChange={(event) => event.currentTarget.form && props.onChoose(event.currentTarget.form)}
          className={cn(inputStyle, "appearance-none truncate pr-10")}
        >
          {props.options.map(([value, label]) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
        <Chevron />
      </span>
    </LabelledField>
  );
}

function FilterInput(props: {
  name: string;
  type: "date" | "text";
  label: string;
  value: string;
  problem?: string | undefined;
}) {
  const { name, type, label, value, problem } = props;
  const errorId = problem ? `${name}-problem` : undefined;
  return (
    <div>
      <LabelledField label={label}>
        <input
          name={name}
          type={type}
          inputMode={type === "text" ? "decimal" : undefined}
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

function LabelledField(props: { label: string; children: React.ReactNode }) {
  return (
    <label className="block min-w-0">
      <span className="mb-1 block text-sm font-semibold">{props.label}</span>
      {props.children}
    </label>
  );
}
