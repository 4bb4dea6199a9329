"use client";

import { type ReactNode, useContext, useEffect, useId } from "react";
import { type Check, FormContext } from "./form";

/** Connects a control with its label, its hint, and its problem by its rule or by the API. */
export function useField(props: { name: string; validate: Check; hint: string | undefined }) {
  const { name, validate, hint } = props;
  const { problems, checks, recheck } = useContext(FormContext);
  const id = useId();
  useEffect(() => {
    checks.set(name, validate);
    return () => void checks.delete(name);
  }, [checks, name, validate]);
  const problem = problems[name];
  const describedBy = [hint && `${id}-hint`, problem && `${id}-problem`].filter(Boolean).join(" ");
  return {
    id,
    problem,
    recheck,
    control: {
      id,
      name,
      "aria-invalid": problem ? true : undefined,
      "aria-describedby": describedBy || undefined,
    },
  };
}

/** The label above a control, and its hint and its problem below it. */
export function Field(props: {
  id: string;
  label: string;
  hint: string | undefined;
  problem: string | undefined;
  meter?: ReactNode;
  children: ReactNode;
}) {
  const { id, hint, problem } = props;
  return (
    <div className="flex flex-col gap-1.5">
      <label htmlFor={id} className="font-semibold">
        {props.label}
      </label>
      {props.children}
      {props.meter}
      {hint && (
        <p id={`${id}-hint`} className="text-sm text-muted">
          {hint}
        </p>
      )}
      {problem && (
        <div id={`${id}-problem`} className="text-sm font-semibold text-bad">
          {problem}
        </div>
      )}
    </div>
  );
}
