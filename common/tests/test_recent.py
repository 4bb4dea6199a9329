"""Finished answers in memory: what takes whose place."""

import pytest
from starlette.responses import Response

from common.recent import Answer, Computation, Recent

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


def written(text: str) -> Response:
    return Response(text, headers={"ETag": '"1"'})


async def test_what_is_written_takes_the_place_of_what_was_read_before(
    recent: Recent, clock: Hand
) -> None:
    await looked(recent, "old")
    clock.now += 0.01

    recent.replace(PATH, clock.now, lambda: written("new"))

    assert shown(recent) == b"new"


async def test_what_nobody_has_looked_at_is_not_written_through(
    recent: Recent, clock: Hand
) -> None:
    recent.replace(PATH, clock.now, lambda: written("new"))

    assert shown(recent) is None


async def test_what_was_read_while_it_was_written_is_forgotten(recent: Recent, clock: Hand) -> None:
    began = clock.now
    clock.now += 0.01
    await looked(recent, "older or newer")

    recent.replace(PATH, began, lambda: written("new"))

    assert shown(recent) is None


async def test_a_read_that_began_before_a_write_does_not_take_its_place(
    recent: Recent, clock: Hand
) -> None:
    await looked(recent, "old")
    reading = recent.compute(KEY)
    clock.now += 0.01
    recent.replace(PATH, clock.now, lambda: written("new"))

    recent.computed(KEY, reading, answer("old", reading.began))

    assert shown(recent) == b"new"


async def test_what_is_written_is_as_old_as_the_beginning_of_its_write(
    recent: Recent, clock: Hand
) -> None:
    await looked(recent, "old")
    began = clock.now = clock.now + 0.01
    clock.now += 5

    recent.replace(PATH, began, lambda: written("new"))

    assert recent.get(KEY, since=clock.now - 1) is None


async def test_a_change_that_is_already_shown_is_not_forgotten(recent: Recent) -> None:
    await looked(recent, "old")

    recent.changed(PATH, '"0"')
    assert shown(recent) == b"old"

    recent.changed(PATH, '"1"')
    assert shown(recent) is None
