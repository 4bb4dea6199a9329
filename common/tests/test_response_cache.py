"""Tests of the response cache: invalidation, own writes and lifetime."""

import pytest

from common.web.response_cache import TTL_SECONDS, CachedResponse, InFlightRequest, ResponseCache

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
