import type { NextConfig } from "next";

const ACCEPTS_BROTLI = [
  { type: "header" as const, key: "accept-encoding", value: "(?:.*\\W)?br(?:\\W.*)?" },
];

const config: NextConfig = {
  output: "standalone",
  poweredByHeader: false,
  reactStrictMode: true,
  images: { unoptimized: true },
  outputFileTracingRoot: import.meta.dirname,
  // The files of swagger-ui-dist that are served are rendered at build time.
  outputFileTracingExcludes: { "/swagger-ui/*": ["node_modules/swagger-ui-dist/**"] },
  turbopack: {
    root: import.meta.dirname,
    // The formatter of messages that src/i18n/compile-messages.ts has compiled, without a parser.
    resolveAlias: {
      "use-intl/format-message": "use-intl/format-message/format-only",
      // For the router in src/instrumentation-client.ts, which is also compiled for the unused Pages Router.
      "react-server-dom-webpack/client": {
        browser: "next/dist/compiled/react-server-dom-turbopack/client",
      },
    },
  },
  // Next.js only compresses with gzip. scripts/assemble.mjs compresses each script with brotli at build
  // time, which saves a sixth of the script size in browsers that accept it.
  rewrites() {
    const source = "/_next/static/:path*.js";
    const destination = `${source}.br`;
    return Promise.resolve({
      beforeFiles: [{ source, has: ACCEPTS_BROTLI, destination }],
      afterFiles: [],
      fallback: [],
    });
  },

  headers() {
    return Promise.resolve([
      {
        source: "/:path*",
        headers: [
          { key: "X-Content-Type-Options", value: "nosniff" },
          { key: "X-Frame-Options", value: "DENY" },
          { key: "Referrer-Policy", value: "strict-origin-when-cross-origin" },
          { key: "Cross-Origin-Opener-Policy", value: "same-origin-allow-popups" },
          {
            key: "Permissions-Policy",
            value: "camera=(), microphone=(), geolocation=(), browsing-topics=()",
          },
        ],
      },
      {
        // Their addresses contain the token of a letter, so only the origin is sent on. "no-referrer"
        // would also hide the origin of a form from the services, which check it.
        source: "/auth/:page(verify|reset)",
        headers: [{ key: "Referrer-Policy", value: "strict-origin" }],
      },
      {
        source: "/_next/static/:path*.js",
        has: ACCEPTS_BROTLI,
        headers: [
          { key: "Content-Encoding", value: "br" },
          { key: "Content-Type", value: "text/javascript; charset=utf-8" },
          { key: "Vary", value: "Accept-Encoding" },
        ],
      },
    ]);
  },
};

export default config;
