"""Finished answers in memory: what takes whose place."""

import pytest

from common.web.response_cache import FRESH_SECONDS, Answer, Computation, Recent

PATH = "/api/things/1"
KEY = (PATH, b"")


class Hand:
    """A clock that is moved by hand."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Hand:
    return Hand()


@pytest.fixture
def recent(clock: Hand) -> Recent:
    return Recent(clock)


def answer(text: str, read_at: float) -> Answer:
    return Answer(200, [(b"etag", b'"0"')], text.encode(), '"0"', read_at)


async def looked(recent: Recent, text: str) -> Computation:
    computation = recent.compute(KEY)
    recent.computed(KEY, computation, answer(text, computation.began))
    return computation


def shown(recent: Recent) -> bytes | None:
    kept = recent.get(KEY, since=0)
    return None if kept is None else kept.body


async def test_a_change_that_is_already_shown_is_not_forgotten(recent: Recent) -> None:
    await looked(recent, "old")

    recent.changed(PATH, '"0"')
    assert shown(recent) == b"old"

    recent.changed(PATH, '"1"')
    assert shown(recent) is None


async def test_read_begun_before_a_change_is_not_stored(recent: Recent) -> None:
    computation = recent.compute(KEY)
    recent.changed(PATH)
    recent.computed(KEY, computation, answer("old", computation.began))

    assert shown(recent) is None
    assert computation.answer.done()


async def test_read_begun_before_own_write_is_not_joined(recent: Recent, clock: Hand) -> None:
    recent.compute(KEY)
    clock.now += 0.01
    recent.wrote("ann")

    assert recent.computing(KEY, recent.since(lambda: "ann")) is None
    assert recent.computing(KEY, recent.since(lambda: "bob")) is not None


async def test_response_older_than_own_write_is_not_served(recent: Recent, clock: Hand) -> None:
    await looked(recent, "old")
    clock.now += 0.01
    recent.wrote("ann")

    assert recent.get(KEY, recent.since(lambda: "ann")) is None
    assert recent.get(KEY, recent.since(lambda: "bob")) is not None


async def test_response_past_its_lifetime_is_not_served(recent: Recent, clock: Hand) -> None:
    await looked(recent, "old")
    clock.now += FRESH_SECONDS

    assert recent.get(KEY, recent.since(lambda: None)) is None
