"use client";

import { Field } from "@base-ui/react/field";
import type { ComponentProps, ReactNode } from "react";
import { cn } from "@/lib/cn";
import { inputStyle } from "./input-style";

/** A labelled input with an optional hint and, below it, its validation error. */
export function TextField(props: {
  name: string;
  label: string;
  hint?: string;
  validate: (value: unknown) => string | null;
  input: ComponentProps<typeof Field.Control>;
  prefix?: string;
  suffix?: ReactNode;
  meter?: ReactNode;
}) {
  const { name, label, hint, validate, input, prefix, suffix, meter } = props;
  return (
    <Field.Root name={name} validate={validate} className="flex flex-col gap-1.5">
      <Field.Label className="font-semibold">{label}</Field.Label>
      <div className="relative">
        {prefix && (
          <span aria-hidden className="absolute inset-y-0 left-4 flex items-center text-muted">
            {prefix}
          </span>
        )}
        <Field.Control
          {...input}
          className={cn(inputStyle, prefix && "pl-8", suffix !== undefined && "pr-14")}
        />
        {suffix && <div className="absolute inset-y-0 right-1 flex items-center">{suffix}</div>}
      </div>
      {meter}
      {hint && <Field.Description className="text-sm text-muted">{hint}</Field.Description>}
      <Field.Error className="text-sm font-semibold text-bad" />
    </Field.Root>
  );
}
