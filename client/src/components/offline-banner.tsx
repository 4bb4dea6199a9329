"use client";

import { useEffect, useSyncExternalStore } from "react";

function subscribe(onChange: () => void) {
  window.addEventListener("online", onChange);
  window.addEventListener("offline", onChange);
  return () => {
    window.removeEventListener("online", onChange);
    window.removeEventListener("offline", onChange);
  };
}

/** A banner shown while offline. Registers the service worker, which serves the offline page. */
export function OfflineBanner({ children }: { children: string }) {
  const online = useSyncExternalStore(
    subscribe,
    () => navigator.onLine,
    () => true,
  );
  useEffect(() => {
    if (!("serviceWorker" in navigator)) return; // insecure origin
    navigator.serviceWorker.register("/offline.js").catch(() => undefined);
  }, []);
  return (
    <div role="status" className="sticky bottom-0 z-40">
      {!online && (
        <p className="bg-ink px-4 py-3 text-center font-semibold text-paper">{children}</p>
      )}
    </div>
  );
}
