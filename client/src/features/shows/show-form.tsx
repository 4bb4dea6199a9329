"use client";

import { useRouter } from "next/navigation";
import { useState } from "react";
import { useTranslations } from "use-intl";
import { Link } from "@/components/link";
import { Alert } from "@/components/ui/alert";
import { Button } from "@/components/ui/button";
import { buttonStyle } from "@/components/ui/button-style";
import { Form } from "@/components/ui/form";
import { SelectField } from "@/components/ui/select-field";
import { TextField } from "@/components/ui/text-field";
import { useSubmission } from "@/components/use-submission";
import { paths } from "@/config/paths";
import { api } from "@/lib/api/browser";
import type { Show } from "@/lib/api/types";
import { timeZonesOf } from "@/lib/place";
import { city, type Rule, showName, venueName } from "@/lib/validation";
import { OffsetField } from "./offset-field";
import { nextPage, readShowInput, showBody, type ShowInput, timeProblem } from "./show-input";

type Options = { value: string; label: string }[];

const CONFLICT = 409;

/**
 * The form to add a show, which leads on to the ticket's form, or to change one, which leads back to it. Without
 * script, a submission returns here with its problems and what was typed.
 */
export function ShowForm(props: {
  /** The show, if it exists already. */
  showId?: string;
  typed: ShowInput;
  problems: string[];
  /** Whether a show like this one exists at another time of the day. */
  isSimilar?: boolean;
  options: { categories: Options; countries: Options; timeZones: Options };
}) {
  const t = useTranslations("NewShow");
  const translateProblem = useTranslations("Problem");
  const router = useRouter();
  const [typed, setTyped] = useState(props.typed);
  const { showId } = props;
  const [isSimilar, setIsSimilar] = useState(props.isSimilar);
  const [similarId, setSimilarId] = useState<string | null>(null);
  const submission = useSubmission<Show>({
    problems: props.problems,
    onSuccess: ({ id }) => router.push(showId ? paths.show(id) : nextPage(props.typed, id)),
    onFailure: ({ status, problems }) => {
      if (status === 401)
        router.push(paths.signIn(showId ? paths.editShow(showId) : paths.newShow));
      if (status !== CONFLICT || showId) return;
      const [similar] = problems as { showId?: string }[];
      setIsSimilar(true);
      setSimilarId(similar?.showId ?? null);
    },
  });
  const check = (rule: Rule) => (value: string) => {
    const key = rule(value);
    return key && translateProblem(key);
  };
  const checkTime = (name: "startsAt" | "endsAt") => (value: string) => {
    const key = timeProblem(name, { ...typed, [name]: value });
    return key && translateProblem(key);
  };
  const text = (name: keyof ShowInput) => ({
    defaultValue: props.typed[name],
    autoComplete: "off",
    dir: "auto",
  });

  return (
    <Form
      method="post"
      action={showId ? paths.editShowForm(showId) : paths.newShowForm}
      className="flex flex-col gap-6"
      errors={submission.fields}
      onChange={(event) => {
        submission.clearFields();
        if (event.target === event.currentTarget.elements.namedItem("venue.country")) {
          chooseZone(event.currentTarget);
        }
        setTyped(typedInto(event.currentTarget));
      }}
      onFormSubmit={(_, form) => {
        const body = showBody(typedInto(form));
        void submission.send(body, (key) => {
          const request = { body, headers: { "Idempotency-Key": key } };
          if (!showId) return api.POST("/api/tickets/shows", request);
          const params = { path: { show_id: showId } };
          return api.PUT("/api/tickets/shows/{show_id}", { ...request, params });
        });
      }}
    >
      <input type="hidden" name="ticket" value={props.typed.ticket} />
      {submission.problems.length > 0 && (
        <Alert tone="bad" title={translateProblem("title")}>
          {submission.problems.map((problem) => (
            <p key={problem}>{problem}</p>
          ))}
        </Alert>
      )}
      <TextField
        name="name"
        label={t("name")}
        hint={t("nameHint")}
        validate={check(showName)}
        input={text("name")}
      />
      <SelectField
        name="category"
        label={t("category")}
        options={props.options.categories}
        initial={props.typed.category}
        validate={alwaysValid}
      />
      <TextField
        name="venue.name"
        label={t("venue")}
        validate={check(venueName)}
        input={text("venue.name")}
      />
      <div className="grid items-start gap-6 sm:grid-cols-2">
        <TextField
          name="venue.city"
          label={t("city")}
          validate={check(city)}
          input={text("venue.city")}
        />
        <SelectField
          name="venue.country"
          label={t("country")}
          options={props.options.countries}
          initial={props.typed["venue.country"]}
          validate={alwaysValid}
        />
      </div>
      <div className="grid items-start gap-6 sm:grid-cols-2">
        {(["startsAt", "endsAt"] as const).map((name) => (
          <TextField
            key={name}
            name={name}
            label={t(name)}
            validate={checkTime(name)}
            input={{ defaultValue: props.typed[name], type: "datetime-local" }}
          />
        ))}
      </div>
      <SelectField
        name="timeZone"
        label={t("timeZone")}
        hint={t("timeZoneHint")}
        options={[{ value: "", label: t("choose") }, ...props.options.timeZones]}
        initial={props.typed.timeZone}
        validate={(zone) => (zone ? null : translateProblem("zoneUnknown"))}
      />
      <OffsetField typed={typed} />
      {similarId && (
        <Link
          href={nextPage(props.typed, similarId)}
          className={buttonStyle("secondary", "self-start")}
        >
          {t("useExisting")}
        </Link>
      )}
      {isSimilar && (
        <label className="flex min-h-11 items-start gap-3">
          <input type="checkbox" name="another" value="1" className="mt-1 size-5" />
          <span>{t("another")}</span>
        </label>
      )}
      <div>
        <Button
          type="submit"
          busy={submission.busy}
          busyLabel={t(showId ? "saving" : "submitting")}
        >
          {t(showId ? "save" : "submit")}
        </Button>
      </div>
    </Form>
  );
}

const alwaysValid = () => null;

function typedInto(form: HTMLFormElement): ShowInput {
  const data = new FormData(form);
  return readShowInput((name) => data.get(name) as string | null);
}

/** Chooses the time zone of the country, or none if it has several and that of the form is not among them. */
function chooseZone(form: HTMLFormElement): void {
  const select = form.elements.namedItem("timeZone") as HTMLSelectElement;
  const zones = timeZonesOf(typedInto(form)["venue.country"]);
  if (zones.length === 0 || zones.includes(select.value)) return;
  select.value = zones.length === 1 ? (zones[0] ?? "") : "";
}
