import { describe, expect, test } from "vitest";
import { PageLimit, clientNetwork, isQueryTooLong } from "./page-limits";

describe("a query", () => {
  test.each([
    "",
    "?q=abc&sort=price",
    `?q=${"%F0%9F%8E%9F".repeat(200)}&cursor=${"a".repeat(500)}`,
  ])("is accepted: %#", (search) => {
    expect(isQueryTooLong(search)).toBe(false);
  });

  test.each([`?q=${"a".repeat(4_096)}`, `?${"a&".repeat(50)}`])("is too long: %#", (search) => {
    expect(isQueryTooLong(search)).toBe(true);
  });
});

describe("the limit", () => {
  test("allows an address its burst and then its rate, and others beside it", () => {
    let now = 0;
    const limit = new PageLimit(10, 3, () => now);
    const take = (address: string) => Array.from({ length: 9 }, () => limit.take(address));

    expect(take("a").filter(Boolean)).toHaveLength(3);
    expect(take("b").filter(Boolean)).toHaveLength(3);
    now += 100;
    expect(take("a").filter(Boolean)).toHaveLength(1);
  });

  test("does not apply to internal requests, or if it is switched off", () => {
    expect(new PageLimit(1, 0).take(null)).toBe(true);
    expect(new PageLimit(0, 0).take("a")).toBe(true);
  });

  test("forgets the least recent of many addresses", () => {
    const limit = new PageLimit(1, 1, () => 0);
    limit.take("a");
    for (let n = 0; n < 10_000; n++) limit.take(`other ${n}`);

    expect(limit.take("other 9999")).toBe(false);
    expect(limit.take("a")).toBe(true);
  });
});

test.each([
  [null, 1, null],
  ["", 1, null],
  ["192.0.2.1", 0, null],
  ["192.0.2.1", 1, "192.0.2.1"],
  ["198.51.100.1, 192.0.2.1", 1, "192.0.2.1"],
  ["198.51.100.1, 192.0.2.1", 2, "198.51.100.1"],
  ["::ffff:192.0.2.1", 1, "192.0.2.1"],
  ["2001:db8:1:2:3:4:5:6", 1, "2001:db8:1:2"],
  ["2001:db8:1:2::9", 1, "2001:db8:1:2"],
  ["2001:db8::9", 1, "2001:db8:0:0"],
])("the network of %s behind %s proxies is %s", (forwardedFor, proxies, network) => {
  expect(clientNetwork(forwardedFor, proxies)).toBe(network);
});
