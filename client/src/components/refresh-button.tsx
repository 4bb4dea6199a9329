"use client";

import { useRouter } from "next/navigation";
import { useTransition } from "react";
import { Button } from "./ui/button";

/** A button that renders the current page again on the server. */
export function RefreshButton({ children }: { children: string }) {
  const router = useRouter();
  const [isPending, startTransition] = useTransition();
  return (
    <Button busy={isPending} onClick={() => startTransition(() => router.refresh())}>
      {children}
    </Button>
  );
}
