"use client";

import { useRouter } from "next/navigation";
import { useTransition } from "react";
import { Blank } from "./ui/empty-state";
import { Button } from "./ui/button";

/** In place of what a service that is away would have told; the rest of the page goes on. */
export function ServiceDown(props: {
  title: string;
  text: string;
  retry: string;
  heading?: "h1" | "h2";
}) {
  const router = useRouter();
  const [pending, startTransition] = useTransition();
  return (
    <div role="alert">
      <Blank
        title={props.title}
        {...(props.heading && { heading: props.heading })}
        action={
          <Button busy={pending} onClick={() => startTransition(() => router.refresh())}>
            {props.retry}
          </Button>
        }
      >
        {props.text}
      </Blank>
    </div>
  );
}
