"use client";

import NextLink, { useLinkStatus } from "next/link";
import type { ComponentProps } from "react";

/**
 * A link that shows when its page takes a moment. Pages are made for each reader at the moment they
 * ask, so nothing is fetched ahead.
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
