import next from "eslint-config-next";
import typescript from "typescript-eslint";

export default typescript.config(
  { ignores: [".next/", "next-env.d.ts", "src/lib/api/schema/"] },
  ...next,
  {
    files: ["**/*.{ts,tsx}"],
    extends: [typescript.configs.strictTypeChecked, typescript.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      // Event handlers may be async: React ignores the promise, and the handlers catch their errors.
      "@typescript-eslint/no-misused-promises": [
        "error",
        { checksVoidReturn: { attributes: false } },
      ],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "max-lines": ["error", 200],
    },
  },
  {
    // Layers: lib < components < features < app. A feature must not import another one.
    files: ["src/**/*.{ts,tsx}"],
    rules: {
      "import/no-restricted-paths": [
        "error",
        {
          basePath: import.meta.dirname,
          zones: [
            { target: "./src/lib", from: ["./src/components", "./src/features", "./src/app"] },
            { target: "./src/components", from: ["./src/features", "./src/app"] },
            { target: "./src/features", from: "./src/app" },
            ...[
              "auth",
              "shows",
              "tickets",
              "orders",
              "payments",
              "account",
              "info",
              "vault",
              "pass",
              "resale",
            ].map((feature) => ({
              target: `./src/features/${feature}`,
              from: "./src/features",
              except: [`./${feature}`],
            })),
          ],
        },
      ],
    },
  },
);
