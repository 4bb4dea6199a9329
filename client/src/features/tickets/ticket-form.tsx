"use client";

import { Form } from "@base-ui/react/form";
import { useTranslations } from "use-intl";
import { Alert } from "@/components/ui/alert";
import { Button } from "@/components/ui/button";
import { TextField } from "@/components/ui/text-field";
import { price, title, validate } from "@/lib/validation";

export interface TicketInput {
  title: string;
  price: string;
}

/** The form for a ticket's title and price, used to create and to edit. */
export function TicketForm(props: {
  initial: TicketInput;
  submitLabel: string;
  submittingLabel: string;
  busy: boolean;
  fields: Record<string, string>;
  problems: string[];
  onSubmit: (input: TicketInput) => void;
}) {
  const t = useTranslations("Sell");
  const translateProblem = useTranslations("Problem");
  const problemText = (key: ReturnType<typeof validate>) => (key ? translateProblem(key) : null);
  return (
    <Form<TicketInput>
      className="flex flex-col gap-6"
      errors={props.fields}
      onFormSubmit={(values) =>
        props.onSubmit({ title: title.parse(values.title), price: price.parse(values.price) })
      }
    >
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
        validate={(value) => problemText(validate(title, value))}
        input={{ defaultValue: props.initial.title, autoComplete: "off" }}
      />
      <TextField
        name="price"
        label={t("price")}
        hint={t("priceHint")}
        prefix="$"
        validate={(value) => problemText(validate(price, value))}
        input={{ defaultValue: props.initial.price, inputMode: "decimal", autoComplete: "off" }}
      />
      <Button
        type="submit"
        busy={props.busy}
        busyLabel={props.submittingLabel}
        className="self-start"
      >
        {props.submitLabel}
      </Button>
    </Form>
  );
}
