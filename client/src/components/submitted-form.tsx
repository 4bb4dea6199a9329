"use client";

import { useRouter } from "next/navigation";
import type { ReactNode } from "react";
import { paths } from "@/config/paths";
import { needsConfirmation } from "@/lib/api/result";
import { Alert } from "./ui/alert";
import { Button } from "./ui/button";
import { Form } from "./ui/form";
import { useSubmission } from "./use-submission";

type Values = Record<string, string>;

/**
 * A form that leads to another page after it was accepted, or first to one that asks for the password again.
 * Before its script has loaded, the browser posts it to `action`, a route that returns to the form's page with
 * the `problems`.
 */
export function SubmittedForm(props: {
  action: string;
  next: string;
  problems: string[];
  hidden?: Values;
  request: (values: Values) => Promise<{ data?: unknown; error?: unknown; response: Response }>;
  submitLabel: string;
  busyLabel: string;
  children?: ReactNode;
}) {
  const router = useRouter();
  const { send, busy, fields, problems } = useSubmission<unknown>({
    problems: props.problems,
    onSuccess: () => {
      router.replace(props.next);
      router.refresh();
    },
    onFailure: (failure) => {
      const { pathname, search } = window.location;
      if (needsConfirmation(failure)) router.push(paths.confirm(pathname + search));
    },
  });
  return (
    <Form
      method="post"
      action={props.action}
      className="flex flex-col gap-5"
      errors={fields}
      onFormSubmit={(values) => void send(values, () => props.request(values))}
    >
      {Object.entries(props.hidden ?? {}).map(([name, value]) => (
        <input key={name} type="hidden" name={name} value={value} />
      ))}
      {problems.map((problem) => (
        <Alert key={problem} tone="bad">
          {problem}
        </Alert>
      ))}
      {props.children}
      <Button type="submit" className="mt-2" busy={busy} busyLabel={props.busyLabel}>
        {props.submitLabel}
      </Button>
    </Form>
  );
}
