import { describe, expect, test } from "vitest";
import { localPath, paths } from "./paths";

describe("localPath", () => {
  test.each(["/orders", "/tickets/123?from=mail", "/orders/65?a=%2F"])(
    "accepts the local path %s",
    (next) => {
      expect(localPath(next)).toBe(next);
    },
  );

  test.each([
    "https://evil.example/",
    "//evil.example",
    "/\\evil.example",
    "/.//evil.example",
    "/..//evil.example",
    "/\t/evil.example",
    "javascript:alert(1)",
    "/auth/signin?next=/orders",
    "",
    undefined,
    ["/orders", "/orders"],
  ])("replaces %j with the home page", (next) => {
    expect(localPath(next)).toBe(paths.home);
  });
});
