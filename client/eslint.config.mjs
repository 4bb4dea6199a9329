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
      // An event handler may be async: React ignores what it returns, and we catch within.
      "@typescript-eslint/no-misused-promises": [
        "error",
        { checksVoidReturn: { attributes: false } },
      ],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "max-lines": ["error", 200],
    },
  },
  {
    // Data flows lib -> components -> features -> app; features do not know one another.
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
            ...["auth", "tickets", "orders", "payments", "account"].map((feature) => ({
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
