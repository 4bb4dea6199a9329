"use client";

import { useEffect, useEffectEvent, useState } from "react";
import { openEventStream } from "./event-stream";

export interface Versioned {
  id: string;
  version: number;
}

/** An event about an item. It contains every field that can change. */
export type Change<T extends Versioned> = Partial<T> & Versioned;

/**
 * Returns the items with the newest version from the server's rendering, the event stream or a refetch.
 * Changes to items that are not on the page are passed to `onUnknownItem`.
 */
export function useLive<T extends Versioned>(options: {
  items: T[];
  stream: string;
  event: string;
  needsSession: boolean;
  /** The values of fields that the API leaves out if they are not set. */
  defaults?: Partial<T>;
  /** Fetches the items on the page after events may have been missed. */
  refetch: (ids: string[]) => Promise<Change<T>[]>;
  onUnknownItem?: (change: Change<T>) => void;
}): T[] {
  const { items, stream, event, needsSession } = options;
  const [changes, setChanges] = useState<ReadonlyMap<string, Change<T>>>(new Map());

  const apply = useEffectEvent((updates: Change<T>[]) => {
    const known = new Set(items.map((item) => item.id));
    const own = updates.filter((change) => known.has(change.id));
    updates
      .filter((change) => !known.has(change.id))
      .forEach((change) => options.onUnknownItem?.(change));
    if (own.length === 0) return;
    setChanges((before) => {
      const after = new Map(before);
      for (const change of own) {
        if (change.version > (after.get(change.id)?.version ?? -1)) after.set(change.id, change);
      }
      return after;
    });
  });
  const refetch = useEffectEvent(() => {
    void options.refetch(items.map((item) => item.id)).then(apply, () => undefined);
  });

  useEffect(
    () =>
      openEventStream<Change<T>>(stream, event, {
        needsSession,
        onChange: (change) => apply([change]),
        onGap: () => refetch(),
      }),
    [stream, event, needsSession],
  );

  return items.map((item) => {
    const change = changes.get(item.id);
    return change && change.version > item.version
      ? { ...item, ...options.defaults, ...change }
      : item;
  });
}
