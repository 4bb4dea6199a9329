"""Tests of the limits per client network."""

from collections.abc import Callable

import httpx
import pytest
from fastapi import FastAPI

from common.testing.client import errors
from common.web import rate_limit
from common.web.rate_limit import RateLimitMiddleware, TokenBuckets

RATE, BURST = 10, 3
READER = "192.0.2.1"
Get = Callable[..., httpx.Response]


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def take(buckets: TokenBuckets, key: str, count: int) -> int:
    """Return how many of the requests were allowed."""
    return sum(buckets.take(key) for _ in range(count))


def test_bucket_allows_its_burst_and_then_its_rate() -> None:
    clock = Clock()
    buckets = TokenBuckets(RATE, BURST, clock)

    assert take(buckets, "a", 10) == BURST
    clock.now += 1 / RATE
    assert take(buckets, "a", 10) == 1
    clock.now += 100
    assert take(buckets, "a", 10) == BURST


def test_bucket_allows_its_rate_for_a_minute() -> None:
    clock = Clock()
    buckets = TokenBuckets(200, 400, clock)
    allowed = 0
    for _ in range(60_000):
        clock.now += 0.001
        allowed += take(buckets, "a", 1)

    assert allowed == pytest.approx(200 * 60 + 400, abs=2)


def test_buckets_of_other_keys_are_independent() -> None:
    buckets = TokenBuckets(RATE, BURST, Clock())
    take(buckets, "a", 10)

    assert take(buckets, "b", 10) == BURST


def test_number_of_buckets_is_bounded_and_recent_ones_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "MAX_BUCKETS", 5)
    buckets = TokenBuckets(RATE, BURST, Clock())
    for n in range(20):
        take(buckets, f"other {n}", 1)
        buckets.take("a")

    assert len(buckets._full_at) == 5
    assert take(buckets, "a", 1) == 0


@pytest.fixture
def client() -> httpx.AsyncClient:
    """A client of an app with the middleware, behind one proxy."""
    app = FastAPI()
    for path in ("/public", "/healthz", "/readyz", "/metrics"):
        app.add_api_route(path, lambda: "answer")
    app.add_middleware(RateLimitMiddleware, rate=0.001, burst=BURST, trusted_proxies=1)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://rate.test")


async def statuses(
    client: httpx.AsyncClient, address: str | None, path: str = "/public"
) -> set[int]:
    headers = {"X-Forwarded-For": address} if address else {}
    return {(await client.get(path, headers=headers)).status_code for _ in range(2 * BURST)}


async def test_request_beyond_the_rate_is_429_with_retry_after(client: httpx.AsyncClient) -> None:
    assert await statuses(client, READER) == {200, 429}

    response = await client.get("/public", headers={"X-Forwarded-For": READER})

    assert (response.status_code, response.headers["retry-after"]) == (429, "1")
    assert errors(response) == [{"message": "Too many requests"}]


async def test_other_address_is_not_limited_with_it(client: httpx.AsyncClient) -> None:
    await statuses(client, READER)

    response = await client.get("/public", headers={"X-Forwarded-For": "192.0.2.2"})

    assert response.status_code == 200


async def test_forged_hop_does_not_evade_the_limit(client: httpx.AsyncClient) -> None:
    responses = [
        await client.get("/public", headers={"X-Forwarded-For": f"198.51.100.{n}, {READER}"})
        for n in range(2 * BURST)
    ]

    assert {response.status_code for response in responses} == {200, 429}


async def test_addresses_of_one_ipv6_network_share_the_limit(client: httpx.AsyncClient) -> None:
    for n in range(BURST):
        headers = {"X-Forwarded-For": f"2001:db8:1:2::{n}"}
        assert (await client.get("/public", headers=headers)).status_code == 200

    same = await client.get("/public", headers={"X-Forwarded-For": "2001:db8:1:2:ffff::1"})
    other = await client.get("/public", headers={"X-Forwarded-For": "2001:db8:1:3::1"})

    assert (same.status_code, other.status_code) == (429, 200)


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
async def test_probe_is_never_limited(client: httpx.AsyncClient, path: str) -> None:
    assert await statuses(client, READER, path) == {200}


@pytest.mark.parametrize("address", [None, ""])
async def test_internal_request_is_not_limited(
    client: httpx.AsyncClient, address: str | None
) -> None:
    assert await statuses(client, address) == {200}


async def test_rate_of_zero_switches_the_limit_off() -> None:
    app = FastAPI()
    app.add_api_route("/public", lambda: "answer")
    app.add_middleware(RateLimitMiddleware, rate=0, burst=1, trusted_proxies=1)
    transport = httpx.ASGITransport(app)

    async with httpx.AsyncClient(transport=transport, base_url="http://rate.test") as client:
        assert await statuses(client, READER) == {200}
