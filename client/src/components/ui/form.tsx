"use client";

import { type ComponentProps, createContext, useEffect, useRef, useState } from "react";

type Problems = Record<string, string>;

/** Returns what is wrong with a value, or null. */
export type Check = (value: string) => string | null;
type Control = HTMLInputElement | HTMLSelectElement;

/** What a field needs of its form. */
export const FormContext = createContext<{
  problems: Problems;
  checks: Map<string, Check>;
  recheck: (control: Control) => void;
}>({ problems: {}, checks: new Map(), recheck: () => undefined });

/**
 * A form whose fields have rules. A submission with a wrong field is not sent, but moves the focus to the
 * first of them, as do the API's errors by field name (`errors`). After that, what is typed is checked at
 * once. Without script, the browser sends the form to its `action`.
 */
export function Form({
  errors,
  onFormSubmit,
  ...rest
}: Omit<ComponentProps<"form">, "ref" | "onSubmit"> & {
  errors: Problems;
  onFormSubmit: (values: Record<string, string>, form: HTMLFormElement) => void;
}) {
  const form = useRef<HTMLFormElement>(null);
  const [checks] = useState(() => new Map<string, Check>());
  const [isChecking, setIsChecking] = useState(false);
  const [problems, setProblems] = useState(errors);
  const [lastErrors, setLastErrors] = useState(errors);
  const isSent = useRef(false);
  if (errors !== lastErrors) {
    setLastErrors(errors);
    setProblems(errors);
  }

  useEffect(() => {
    if (isSent.current) focusFirst(form.current, lastErrors);
    isSent.current = false;
  }, [lastErrors]);

  function recheck({ name, value }: Control): void {
    const problem = isChecking ? checks.get(name)?.(value) : null;
    setProblems((shown) => {
      const others = Object.entries(shown).filter(([other]) => other !== name);
      return Object.fromEntries(problem ? [...others, [name, problem]] : others);
    });
  }

  function submit(target: HTMLFormElement): void {
    const fields = controlsOf(target).filter(({ name }) => checks.has(name));
    const found: Problems = {};
    for (const { name, value } of fields) {
      const problem = checks.get(name)?.(value);
      if (problem) found[name] = problem;
    }
    setIsChecking(true);
    setProblems(found);
    if (focusFirst(target, found)) return;
    isSent.current = true;
    onFormSubmit(Object.fromEntries(fields.map(({ name, value }) => [name, value])), target);
  }

  return (
    <FormContext value={{ problems, checks, recheck }}>
      <form
        {...rest}
        ref={form}
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          submit(event.currentTarget);
        }}
      />
    </FormContext>
  );
}

function controlsOf(form: HTMLFormElement): Control[] {
  return Array.from(form.elements).filter((element) => "value" in element) as Control[];
}

/** Moves the focus to the first field with a problem, and returns whether there is one. */
function focusFirst(form: HTMLFormElement | null, problems: Problems): boolean {
  const first = form && controlsOf(form).find(({ name }) => Object.hasOwn(problems, name));
  first?.focus();
  if (first instanceof HTMLInputElement) first.select();
  return Boolean(first);
}
