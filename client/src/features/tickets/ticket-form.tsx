"use client";

import { type ReactNode, useState } from "react";
import { useTranslations } from "use-intl";
import { useFormattingLocale } from "@/components/locale";
import { Alert } from "@/components/ui/alert";
import { Button } from "@/components/ui/button";
import { Form } from "@/components/ui/form";
import { TextField } from "@/components/ui/text-field";
import { type ParsedPrice, priceProblem } from "@/lib/price-input";
import { parseFaceValue, parseListingPrice, type Rule, seatPart, title } from "@/lib/validation";
import { parseTicket, readTicketInput, type TicketBody, type TicketInput } from "./ticket-input";

/**
 * The form for a ticket, used to create and to edit. Before its script has loaded, the browser posts it to
 * `action`, with the `hidden` fields.
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
  onSubmit: (body: TicketBody) => void;
  otherAction?: ReactNode;
  /** What is said about a price while it is typed. */
  priceNote?: (typed: string) => ReactNode;
}) {
  const t = useTranslations("Sell");
  const translateProblem = useTranslations("Problem");
  const locale = useFormattingLocale();
  const [typedPrice, setTypedPrice] = useState(props.initial.price);

  const ruleProblem = (rule: Rule) => (typed: string) => {
    const key = rule(typed);
    return key && translateProblem(key);
  };
  const amountProblem =
    (parse: (typed: string, locale: string) => ParsedPrice) => (typed: string) => {
      const parsed = parse(typed, locale);
      return parsed.problem ? priceProblem(parsed, translateProblem, locale) : null;
    };

  return (
    <Form
      method="post"
      action={props.action}
      className="flex flex-col gap-6"
      errors={props.fields}
      onChange={(event) => {
        const typed = typedInto(event.currentTarget);
        setTypedPrice(typed.price);
        props.onChange(typed);
      }}
      onFormSubmit={(values) =>
        props.onSubmit(
          parseTicket(
            readTicketInput((name) => values[name]),
            locale,
          ).body,
        )
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
        validate={ruleProblem(title)}
        input={{ defaultValue: props.initial.title, autoComplete: "off", dir: "auto" }}
      />
      <fieldset>
        <legend className="mb-1.5 font-semibold">{t("seatTitle")}</legend>
        <div className="grid grid-cols-3 items-start gap-3">
          {(["section", "row", "seat"] as const).map((part) => (
            <TextField
              key={part}
              name={`seat.${part}`}
              label={t(part)}
              validate={ruleProblem(seatPart)}
              input={{
                defaultValue: props.initial[`seat.${part}`],
                autoComplete: "off",
                dir: "auto",
              }}
            />
          ))}
        </div>
      </fieldset>
      <TextField
        name="price"
        label={t("price")}
        hint={t("priceHint")}
        prefix="$"
        validate={amountProblem(parseListingPrice)}
        input={{ defaultValue: props.initial.price, inputMode: "decimal", autoComplete: "off" }}
      />
      {props.priceNote?.(typedPrice)}
      <TextField
        name="faceValue"
        label={t("faceValue")}
        hint={t("faceValueHint")}
        prefix="$"
        validate={amountProblem(parseFaceValue)}
        input={{ defaultValue: props.initial.faceValue, inputMode: "decimal", autoComplete: "off" }}
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
  const data = new FormData(form);
  return readTicketInput((name) => data.get(name) as string | null);
}
