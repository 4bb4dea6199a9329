"use client";

import { useEffect, useSyncExternalStore } from "react";
import { removeCopiesOfOthers } from "@/lib/offline-copies";

function subscribe(onChange: () => void) {
  window.addEventListener("online", onChange);
  window.addEventListener("offline", onChange);
  return () => {
    window.removeEventListener("online", onChange);
    window.removeEventListener("offline", onChange);
  };
}

/**
 * A banner shown while offline. Registers the service worker, which serves the offline page, and removes the
 * codes that another user saved, or this one before the session ended.
 */
export function OfflineBanner(props: {
  /** The signed-in user, null for nobody, undefined while that cannot be found out. */
  userId: string | null | undefined;
  children: string;
}) {
  const { userId } = props;
  const online = useSyncExternalStore(
    subscribe,
    () => navigator.onLine,
    () => true,
  );
  useEffect(() => {
    if (!("serviceWorker" in navigator)) return; // insecure origin
    navigator.serviceWorker.register("/offline.js").catch(() => undefined);
  }, []);
  useEffect(() => {
    if (userId !== undefined) removeCopiesOfOthers(userId);
  }, [userId]);
  return (
    <div role="status" className="sticky bottom-0 z-40">
      {!online && (
        <p className="bg-ink px-4 py-3 text-center font-semibold text-paper">{props.children}</p>
      )}
    </div>
  );
}
