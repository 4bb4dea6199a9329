import { expect, test } from "vitest";
import { accessTokenFrom, isExpired, refreshTokenFrom, userFromToken } from "./cookies";

const token = (claims: object) =>
  `x.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.y`;
const inMinutes = (minutes: number) => Math.floor(Date.now() / 1000) + minutes * 60;

test("the tokens are read from plain and from __Host- cookies", () => {
  expect(accessTokenFrom([{ name: "session", value: "a" }])).toBe("a");
  expect(accessTokenFrom([{ name: "__Host-session", value: "b" }])).toBe("b");
  expect(refreshTokenFrom([{ name: "__Host-refresh", value: "c" }])).toBe("c");
  expect(refreshTokenFrom([{ name: "refresh", value: "" }])).toBeUndefined();
});

test("a token that is about to expire or malformed counts as expired", () => {
  expect(isExpired(token({ exp: inMinutes(5) }), Date.now())).toBe(false);
  expect(isExpired(token({ exp: inMinutes(0) + 5 }), Date.now())).toBe(true);
  expect(isExpired("nonsense", Date.now())).toBe(true);
  expect(isExpired(token({}), Date.now())).toBe(true);
});

test("a valid token names its user", () => {
  const claims = { sub: "1", email: "a@example.com", exp: inMinutes(5) };
  expect(userFromToken(token(claims))).toEqual({ id: "1", email: "a@example.com" });
  expect(userFromToken(token({ ...claims, exp: inMinutes(-5) }))).toBeNull();
  expect(userFromToken("nonsense")).toBeNull();
});
