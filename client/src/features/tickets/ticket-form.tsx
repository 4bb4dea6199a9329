"use client";

import { Form } from "@base-ui/react/form";
import { useTranslations } from "use-intl";
import { Button } from "@/components/ui/button";
import { Notice } from "@/components/ui/alert";
import { TextField } from "@/components/ui/text-field";
import { price, title, wrongWith } from "@/lib/validation";

export interface TicketInput {
  title: string;
  price: string;
}

/** Title and price of a ticket, for a new one and for a change. */
export function TicketForm(props: {
  initial: TicketInput;
  submit: string;
  submitting: string;
  busy: boolean;
  fields: Record<string, string>;
  problems: string[];
  onSubmit: (input: TicketInput) => void;
}) {
  const t = useTranslations("Sell");
  const words = useTranslations("Problem");
  const told = (key: ReturnType<typeof wrongWith>) => (key ? words(key) : null);
  return (
    <Form<TicketInput>
      className="flex flex-col gap-6"
      errors={props.fields}
      onFormSubmit={(typed) =>
        props.onSubmit({ title: title.parse(typed.title), price: price.parse(typed.price) })
      }
    >
      {props.problems.length > 0 && (
        <Notice tone="bad" title={words("title")}>
          {props.problems.map((problem) => (
            <p key={problem}>{problem}</p>
          ))}
        </Notice>
      )}
      <TextField
        name="title"
        label={t("ticketTitle")}
        hint={t("ticketTitleHint")}
        validate={(value) => told(wrongWith(title, value))}
        input={{ defaultValue: props.initial.title, autoComplete: "off" }}
      />
      <TextField
        name="price"
        label={t("price")}
        hint={t("priceHint")}
        prefix="$"
        validate={(value) => told(wrongWith(price, value))}
        input={{ defaultValue: props.initial.price, inputMode: "decimal", autoComplete: "off" }}
      />
      <Button type="submit" busy={props.busy} busyLabel={props.submitting} className="self-start">
        {props.submit}
      </Button>
    </Form>
  );
}
