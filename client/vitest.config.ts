import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: {
    alias: {
      "@": `${import.meta.dirname}/src`,
      "server-only": "next/dist/compiled/server-only/empty.js", // what Next.js itself does
    },
  },
  test: { include: ["src/**/*.test.ts"] },
});
