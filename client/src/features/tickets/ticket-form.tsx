"use client";

import { Form } from "@base-ui/react/form";
import type { ReactNode } from "react";
import { useTranslations } from "use-intl";
import { useFormattingLocale } from "@/components/locale";
import { Alert } from "@/components/ui/alert";
import { Button } from "@/components/ui/button";
import { TextField } from "@/components/ui/text-field";
import { priceProblem } from "@/lib/price-input";
import { parseListingPrice, title, validate } from "@/lib/validation";

export interface TicketInput {
  title: string;
  price: string;
}

/**
 * The form for a ticket's title and price, used to create and to edit. Before its script has loaded, the
 * browser posts it to `action`, with the `hidden` fields.
 */
export function TicketForm(props: {
  action: string;
  hidden: Record<string, string | number>;
  initial: TicketInput;
  submitLabel: string;
  submittingLabel: string;
  busy: boolean;
  fields: Record<string, string>;
  problems: string[];
  /** Called with what is typed. */
  onChange: (typed: TicketInput) => void;
  /** Called with valid input, as the API takes it. */
  onSubmit: (input: TicketInput) => void;
  otherAction?: ReactNode;
}) {
  const t = useTranslations("Sell");
  const translateProblem = useTranslations("Problem");
  const locale = useFormattingLocale();

  function titleProblem(typed: unknown): string | null {
    const key = validate(title, typed);
    return key && translateProblem(key);
  }

  function listingPriceProblem(typed: unknown): string | null {
    const parsed = parseListingPrice(typed, locale);
    return parsed.problem ? priceProblem(parsed, translateProblem, locale) : null;
  }

  return (
    <Form<TicketInput>
      method="post"
      action={props.action}
      className="flex flex-col gap-6"
      errors={props.fields}
      onChange={(event) => props.onChange(typedInto(event.currentTarget))}
      onFormSubmit={(values) =>
        props.onSubmit({
          title: title.parse(values.title),
          price: parseListingPrice(values.price, locale).amount ?? "",
        })
      }
    >
      {Object.entries(props.hidden).map(([name, value]) => (
        <input key={name} type="hidden" name={name} value={value} />
      ))}
      {props.problems.length > 0 && (
        <Alert tone="bad" title={translateProblem("title")}>
          {props.problems.map((problem) => (
            <p key={problem}>{problem}</p>
          ))}
        </Alert>
      )}
      <TextField
        name="title"
        label={t("ticketTitle")}
        hint={t("ticketTitleHint")}
        validate={titleProblem}
        input={{ defaultValue: props.initial.title, autoComplete: "off", dir: "auto" }}
      />
      <TextField
        name="price"
        label={t("price")}
        hint={t("priceHint")}
        prefix="$"
        validate={listingPriceProblem}
        input={{ defaultValue: props.initial.price, inputMode: "decimal", autoComplete: "off" }}
      />
      <div className="flex flex-wrap gap-3">
        <Button type="submit" busy={props.busy} busyLabel={props.submittingLabel}>
          {props.submitLabel}
        </Button>
        {props.otherAction}
      </div>
    </Form>
  );
}

function typedInto(form: HTMLFormElement): TicketInput {
  const values = Object.fromEntries(new FormData(form)) as Record<string, string>;
  return { title: values.title ?? "", price: values.price ?? "" };
}
