"use client";

import NextLink, { useLinkStatus } from "next/link";
import type { ComponentProps } from "react";

/**
 * A link that shows a progress bar while its page loads. Prefetching is off, because every page is
 * rendered per request.
 */
export function Link({ children, ...rest }: ComponentProps<typeof NextLink>) {
  return (
    <NextLink prefetch={false} {...rest}>
      {children}
      <PendingMarker />
    </NextLink>
  );
}

function PendingMarker() {
  return useLinkStatus().pending ? <span hidden data-pending="" /> : null;
}
