"use client";

import type { ComponentProps, ReactNode } from "react";
import { cn } from "@/lib/cn";
import { Field, useField } from "./field";
import { inputStyle } from "./input-style";

/** A labelled input with an optional hint and, below it, its validation error. */
export function TextField(props: {
  name: string;
  label: string;
  hint?: string;
  validate: (value: string) => string | null;
  input: ComponentProps<"input">;
  prefix?: string;
  suffix?: ReactNode;
  meter?: ReactNode;
}) {
  const { name, hint, validate, input, prefix, suffix } = props;
  const { control, recheck, ...field } = useField({ name, validate, hint });
  return (
    <Field {...field} label={props.label} hint={hint} meter={props.meter}>
      <div className="relative">
        {prefix && (
          <span aria-hidden className="absolute inset-y-0 left-4 flex items-center text-muted">
            {prefix}
          </span>
        )}
        <input
          {...input}
          {...control}
          onChange={(event) => {
            input.onChange?.(event);
            recheck(event.currentTarget);
          }}
          className={cn(inputStyle, prefix && "pl-8", suffix !== undefined && "pr-14")}
        />
        {suffix && <div className="absolute inset-y-0 right-1 flex items-center">{suffix}</div>}
      </div>
    </Field>
  );
}
