"""Tests of the response cache: invalidation, own writes and lifetime."""

import pytest

from common.web.response_cache import (
    TTL_SECONDS,
    CachedResponse,
    InFlightRequest,
    Key,
    ResponseCache,
)

PATH = "/api/things/1"
KEY = (PATH, b"")


class ManualClock:
    """A clock that only the test advances."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def response_cache(clock: ManualClock) -> ResponseCache:
    return ResponseCache(clock)


def cached_response(text: str, read_at: float) -> CachedResponse:
    return CachedResponse(200, [(b"etag", b'"0"')], text.encode(), '"0"', read_at)


async def fill(response_cache: ResponseCache, text: str) -> InFlightRequest:
    request = response_cache.begin(KEY)
    response_cache.finish(KEY, request, cached_response(text, request.started_at))
    return request


def cached_body(response_cache: ResponseCache) -> bytes | None:
    entry = response_cache.get(KEY, oldest=0)
    return None if entry is None else entry.body


async def test_invalidate_keeps_a_response_with_the_same_etag(
    response_cache: ResponseCache,
) -> None:
    await fill(response_cache, "old")

    response_cache.invalidate(PATH, '"0"')
    assert cached_body(response_cache) == b"old"

    response_cache.invalidate(PATH, '"1"')
    assert cached_body(response_cache) is None


async def test_read_begun_before_a_change_is_not_stored(response_cache: ResponseCache) -> None:
    computation = response_cache.begin(KEY)
    response_cache.invalidate(PATH)
    response_cache.finish(KEY, computation, cached_response("old", computation.started_at))

    assert cached_body(response_cache) is None
    assert computation.result.done()


async def test_read_begun_before_own_write_is_not_joined(
    response_cache: ResponseCache, clock: ManualClock
) -> None:
    response_cache.begin(KEY)
    clock.now += 0.01
    response_cache.note_write_by("ann")

    assert response_cache.in_flight(KEY, response_cache.oldest_acceptable(lambda: "ann")) is None
    assert (
        response_cache.in_flight(KEY, response_cache.oldest_acceptable(lambda: "bob")) is not None
    )


async def test_response_older_than_own_write_is_not_served(
    response_cache: ResponseCache, clock: ManualClock
) -> None:
    await fill(response_cache, "old")
    clock.now += 0.01
    response_cache.note_write_by("ann")

    assert response_cache.get(KEY, response_cache.oldest_acceptable(lambda: "ann")) is None
    assert response_cache.get(KEY, response_cache.oldest_acceptable(lambda: "bob")) is not None


async def test_response_past_its_lifetime_is_not_served(
    response_cache: ResponseCache, clock: ManualClock
) -> None:
    await fill(response_cache, "old")
    clock.now += TTL_SECONDS

    assert response_cache.get(KEY, response_cache.oldest_acceptable(lambda: None)) is None


async def store_key(response_cache: ResponseCache, key: Key, response: CachedResponse) -> None:
    request = response_cache.begin(key)
    response_cache.finish(key, request, response)


@pytest.mark.parametrize("part", ["key", "header", "body"])
async def test_entries_are_bounded_in_bytes_of_keys_headers_and_bodies(
    response_cache: ResponseCache, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    monkeypatch.setattr("common.web.response_cache.MAX_BYTES", 100_000)
    long = b"x" * 30_000

    for number in range(8):
        query = b"%d" % number + (long if part == "key" else b"")
        headers = [(b"link", long)] if part == "header" else []
        body = long if part == "body" else b""
        response = CachedResponse(200, headers, body, "", 0)
        await store_key(response_cache, (PATH, query), response)

    assert len(response_cache._entries) == 3
    for key in list(response_cache._entries):
        response_cache._drop(key)
    assert response_cache._bytes == 0


async def test_writers_are_forgotten_without_a_read(
    response_cache: ResponseCache, clock: ManualClock
) -> None:
    for number in range(100):
        response_cache.note_write_by(f"user {number}")
        clock.now += TTL_SECONDS / 10

    assert len(response_cache._last_writes) <= 11


@pytest.mark.parametrize(
    ("query", "key"),
    [
        (b"", b""),
        (b"b=2&a=1", b"a=1&b=two"),
        (b"a=1&utm_source=x", b"a=1"),
        (b"a=0&a=1", b"a=1"),
        (b"x=1&y=%00%ff", b""),
        (b"a=", b"a="),
        (b"a=%C3%A9+1%2B1", b"a=%C3%A9+1%2B1"),
    ],
)
def test_key_has_only_known_parameters_in_one_spelling(query: bytes, key: bytes) -> None:
    response_cache = ResponseCache(
        parameters={"/api/things": {"a": str, "b": lambda text: text.replace("2", "two")}}
    )

    assert response_cache.key("/api/things", query) == ("/api/things", key)
    assert response_cache.key(PATH, query) == (PATH, b"")
