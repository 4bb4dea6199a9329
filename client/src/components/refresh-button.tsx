"use client";

import { useRouter } from "next/navigation";
import { useTransition } from "react";
import { Button } from "./ui/button";

/** Renders the page again on the server. */
export function RefreshButton({ children }: { children: string }) {
  const router = useRouter();
  const [isPending, startTransition] = useTransition();
  return (
    <Button busy={isPending} onClick={() => startTransition(() => router.refresh())}>
      {children}
    </Button>
  );
}
