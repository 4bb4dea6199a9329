"use client";

import { useRouter } from "next/navigation";
import { useEffect, useLayoutEffect, useRef, useTransition } from "react";
import { Button } from "./ui/button";
import type { Variant } from "./ui/button-style";

const FIRST_DELAY_MS = 2_000;
const MAX_DELAY_MS = 30_000;

/**
 * A button that renders the current page again on the server. While it is shown, the page does the same by
 * itself, at growing intervals with jitter, so that not all visitors return at the same moment.
 */
export function RefreshButton(props: { variant?: Variant; className?: string; children: string }) {
  const router = useRouter();
  const [isPending, startTransition] = useTransition();
  const button = useRef<HTMLButtonElement>(null);

  useEffect(() => {
    let delay = FIRST_DELAY_MS;
    let timer = window.setTimeout(refresh, delay);
    function refresh() {
      if (document.visibilityState === "visible") startTransition(() => router.refresh());
      delay = Math.min(2 * delay, MAX_DELAY_MS);
      timer = window.setTimeout(refresh, delay * (0.75 + Math.random() / 2));
    }
    return () => window.clearTimeout(timer);
  }, [router]);

  useLayoutEffect(() => {
    const element = button.current;
    return () => {
      if (document.activeElement === element) {
        document.getElementById("content")?.focus({ preventScroll: true });
      }
    };
  }, []);

  return (
    <Button
      ref={button}
      variant={props.variant ?? "primary"}
      className={props.className}
      busy={isPending}
      onClick={() => startTransition(() => router.refresh())}
    >
      {props.children}
    </Button>
  );
}
