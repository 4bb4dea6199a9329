import { expect, test } from "vitest";
import { accessTokenIn, bearerOf, expired, refreshTokenIn } from "./cookies";

const token = (claims: object) =>
  `x.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.y`;
const inMinutes = (minutes: number) => Math.floor(Date.now() / 1000) + minutes * 60;

test("the cookies are found over plain http and over TLS", () => {
  expect(accessTokenIn([{ name: "session", value: "a" }])).toBe("a");
  expect(accessTokenIn([{ name: "__Host-session", value: "b" }])).toBe("b");
  expect(refreshTokenIn([{ name: "__Host-refresh", value: "c" }])).toBe("c");
  expect(refreshTokenIn([{ name: "refresh", value: "" }])).toBeUndefined();
});

test("a token that is about to expire, or that nobody can read, is renewed", () => {
  expect(expired(token({ exp: inMinutes(5) }), Date.now())).toBe(false);
  expect(expired(token({ exp: inMinutes(0) + 5 }), Date.now())).toBe(true);
  expect(expired("nonsense", Date.now())).toBe(true);
  expect(expired(token({}), Date.now())).toBe(true);
});

test("while auth is away a reader is greeted by what their token says", () => {
  const claims = { sub: "1", email: "a@example.com", exp: inMinutes(5) };
  expect(bearerOf(token(claims))).toEqual({ id: "1", email: "a@example.com" });
  expect(bearerOf(token({ ...claims, exp: inMinutes(-5) }))).toBeNull();
  expect(bearerOf("nonsense")).toBeNull();
});
