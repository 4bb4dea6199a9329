"use client";

import { cn } from "@/lib/cn";
import { Chevron } from "./chevron";
import { Field, useField } from "./field";
import { inputStyle } from "./input-style";

/** A labelled choice with an optional hint and, below it, its error. */
export function SelectField(props: {
  name: string;
  label: string;
  hint?: string;
  options: { value: string; label: string }[];
  initial: string;
  validate: (value: string) => string | null;
}) {
  const { name, hint, validate } = props;
  const { control, recheck, ...field } = useField({ name, validate, hint });
  return (
    <Field {...field} label={props.label} hint={hint}>
      <span className="relative block">
        <select
          {...control}
          defaultValue={props.initial}
          onChange={(event) => recheck(event.currentTarget)}
          className={cn(inputStyle, "appearance-none truncate pr-10")}
        >
          {props.options.map(({ value, label }) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
        <Chevron />
      </span>
    </Field>
  );
}
