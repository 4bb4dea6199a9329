"use client";

import { useRouter } from "next/navigation";
import { useState } from "react";
import { useTranslations } from "use-intl";
import { useFormattingLocale } from "@/components/locale";
import { NetHint } from "@/components/net-hint";
import { Alert } from "@/components/ui/alert";
import { Button } from "@/components/ui/button";
import { Form } from "@/components/ui/form";
import { TextField } from "@/components/ui/text-field";
import { useSubmission } from "@/components/use-submission";
import { paths } from "@/config/paths";
import { api } from "@/lib/api/browser";
import type { Ticket } from "@/lib/api/types";
import { priceProblem } from "@/lib/price-input";
import { parseListingPrice } from "@/lib/validation";

/** The form to list a bought ticket again. Everything but its price is as it was bought. */
export function ResellForm(props: {
  orderId: string;
  title: string;
  typedPrice: string;
  problems: string[];
  submissionKey: string;
  feeBasisPoints: number | null;
  hasShow: boolean;
}) {
  const t = useTranslations("Resell");
  const translatePrice = useTranslations("Sell");
  const translateProblem = useTranslations("Problem");
  const locale = useFormattingLocale();
  const router = useRouter();
  const { orderId } = props;
  const [typedPrice, setTypedPrice] = useState(props.typedPrice);
  const submission = useSubmission<Ticket>({
    problems: props.problems,
    onSuccess: (ticket) => router.push(paths.ticket(ticket.id)),
    onFailure: ({ status }) => {
      if (status === 401) router.push(paths.signIn(paths.resell(orderId)));
    },
  });
  const { price: wrongPrice, ...otherFields } = submission.fields;
  const problems = [...submission.problems, ...Object.values(otherFields)];

  function priceError(typed: string): string | null {
    const parsed = parseListingPrice(typed, locale);
    return parsed.problem ? priceProblem(parsed, translateProblem, locale) : null;
  }

  function submit(typed: string) {
    const price = parseListingPrice(typed, locale).amount ?? "";
    const body = { title: props.title, price, fromOrderId: orderId };
    void submission.send(body, (key) =>
      api.POST("/api/tickets", { body, headers: { "Idempotency-Key": key } }),
    );
  }

  return (
    <Form
      method="post"
      action={paths.resellForm(orderId)}
      className="mt-6 flex flex-col gap-6"
      errors={wrongPrice ? { price: wrongPrice } : NONE}
      onChange={submission.clearFields}
      onFormSubmit={({ price = "" }) => submit(price)}
    >
      <input type="hidden" name="key" value={props.submissionKey} />
      {problems.length > 0 && (
        <Alert tone="bad" title={translateProblem("title")}>
          {problems.map((problem) => (
            <p key={problem}>{problem}</p>
          ))}
        </Alert>
      )}
      <TextField
        name="price"
        label={t("price")}
        hint={translatePrice("priceHint")}
        prefix="$"
        validate={priceError}
        input={{
          defaultValue: props.typedPrice,
          inputMode: "decimal",
          autoComplete: "off",
          onChange: (event) => setTypedPrice(event.currentTarget.value),
        }}
      />
      <NetHint
        typedPrice={typedPrice}
        feeBasisPoints={props.feeBasisPoints}
        hasShow={props.hasShow}
      />
      <div>
        <Button type="submit" busy={submission.busy} busyLabel={t("submitting")}>
          {t("submit")}
        </Button>
      </div>
    </Form>
  );
}

const NONE = {};
