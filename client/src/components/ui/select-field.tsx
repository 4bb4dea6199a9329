"use client";

import { Field } from "@base-ui/react/field";
import { Chevron } from "./chevron";
import { inputStyle } from "./input-style";

/** A labelled choice with an optional hint and, below it, its error. */
export function SelectField(props: {
  name: string;
  label: string;
  hint?: string;
  options: { value: string; label: string }[];
  initial: string;
  validate: (value: unknown) => string | null;
}) {
  return (
    <Field.Root name={props.name} validate={props.validate} className="flex flex-col gap-1.5">
      <Field.Label className="font-semibold">{props.label}</Field.Label>
      <span className="relative block">
        <Field.Control
          defaultValue={props.initial}
          className={`${inputStyle} appearance-none truncate pr-10`}
          render={
            <select>
              {props.options.map(({ value, label }) => (
                <option key={value} value={value}>
                  {label}
                </option>
              ))}
            </select>
          }
        />
        <Chevron />
      </span>
      {props.hint && (
        <Field.Description className="text-sm text-muted">{props.hint}</Field.Description>
      )}
      <Field.Error className="text-sm font-semibold text-bad" />
    </Field.Root>
  );
}
