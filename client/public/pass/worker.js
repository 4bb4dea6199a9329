// Serves one page for opened tickets while the network or the site does not respond. Its codes are in IndexedDB.
const CACHE = "pass-1";
const PAGE = "/pass/offline.html";
const TIMEOUT_MS = 5_000;

// The page's one script and one style, by their hashes; src/lib/offline-page.test.ts compares them.
const POLICY = [
  "default-src 'none'",
  "script-src 'sha256-4eEzFOtXYoUUkDRk1Jje8CgV9kGPNFMsJM5Q+14R1EE='",
  "style-src 'sha256-X6kObxd840IjHQegBQwviP//USPDO2KAMzNelxOqHGk='",
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

async function install() {
  const response = await fetch(PAGE, { cache: "no-store" });
  if (!response.ok) throw new Error(`${PAGE}: ${response.status}`);
  const headers = {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
  };
  const cache = await caches.open(CACHE);
  await cache.put(PAGE, new Response(await response.text(), { headers }));
  await self.skipWaiting();
}

async function removeOldCaches() {
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith("pass-") && name !== CACHE);
  await Promise.all(old.map((name) => caches.delete(name)));
}

async function respond(request) {
  const response = fetch(request).then(
    (received) => (received.status < 500 ? received : undefined),
    () => undefined,
  );
  const timeout = new Promise((resolve) => setTimeout(resolve, TIMEOUT_MS));
  return (
    (await Promise.race([response, timeout])) ?? (await caches.match(PAGE)) ?? Response.error()
  );
}

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(removeOldCaches()));
self.addEventListener("fetch", (event) => {
  if (event.request.mode === "navigate" && event.request.method === "GET") {
    event.respondWith(respond(event.request));
  }
});
