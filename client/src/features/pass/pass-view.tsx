"use client";

import { useEffect, useState } from "react";
import type { Pass, Ticket } from "@/lib/api/types";
import { ClosedPass, type Listing } from "./closed-pass";
import { removeCopy } from "./offline-copy";
import { OpenPass } from "./open-pass";
import { SealedPass } from "./sealed-pass";

/** A ticket in the vault as its buyer sees it: to be opened, opened, or out of reach. */
export function PassView(props: {
  userId: string;
  ticket: Ticket;
  pass: Pass;
  orderId: string | null;
  /** What has become of the listing by which this user sells it again. */
  listing: Listing;
  language: string;
}) {
  const [revealed, setRevealed] = useState<{ pass: Pass; rendered: Pass } | null>(null);
  const pass = revealed?.rendered === props.pass ? revealed.pass : props.pass;
  const { ticketId, canRead } = pass;
  useEffect(() => {
    if (!canRead) removeCopy(ticketId).catch(() => undefined); // storage is blocked: nothing is saved
  }, [ticketId, canRead]);

  if (pass.canRead) return <OpenPass {...props} pass={pass} takesFocus={revealed !== null} />;
  if (pass.canReveal) {
    const show = (opened: Pass) => setRevealed({ pass: opened, rendered: props.pass });
    return <SealedPass {...props} pass={pass} onRevealed={show} />;
  }
  return (
    <ClosedPass
      ticket={props.ticket}
      pass={pass}
      isSeller={props.userId === props.ticket.userId}
      listing={props.listing}
    />
  );
}
