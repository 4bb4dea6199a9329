"""Finished answers in memory: what takes whose place."""

import pytest
from starlette.responses import Response

from common.web.response_cache import Answer, Computation, Recent

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
    return Answer(200, [(b"etag", b'"0"')], text.encode(), '"0"', read_at, thing=text)


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

    recent.replace(PATH, clock.now, "new", written)

    assert shown(recent) == b"new"


async def test_what_nobody_has_looked_at_is_not_written_through(
    recent: Recent, clock: Hand
) -> None:
    recent.replace(PATH, clock.now, "new", written)

    assert shown(recent) is None


async def test_what_was_read_while_it_was_written_is_forgotten(recent: Recent, clock: Hand) -> None:
    began = clock.now
    clock.now += 0.01
    await looked(recent, "older or newer")

    recent.replace(PATH, began, "new", written)

    assert shown(recent) is None


async def test_a_read_that_began_before_a_write_does_not_take_its_place(
    recent: Recent, clock: Hand
) -> None:
    await looked(recent, "old")
    reading = recent.compute(KEY)
    clock.now += 0.01
    recent.replace(PATH, clock.now, "new", written)

    recent.computed(KEY, reading, answer("old", reading.began))

    assert shown(recent) == b"new"


async def test_what_is_written_is_as_old_as_the_beginning_of_its_write(
    recent: Recent, clock: Hand
) -> None:
    await looked(recent, "old")
    began = clock.now = clock.now + 0.01
    clock.now += 5

    recent.replace(PATH, began, "new", written)

    assert recent.get(KEY, since=clock.now - 1) is None


def longer(text: str) -> Response:
    return written(f"{text} and more")


async def test_what_is_heard_of_a_thing_changes_its_answer(recent: Recent) -> None:
    await looked(recent, "old")

    recent.amend(PATH, longer)

    assert shown(recent) == b"old and more"


async def test_what_is_heard_after_a_write_changes_what_was_written(
    recent: Recent, clock: Hand
) -> None:
    await looked(recent, "old")
    clock.now += 0.01
    recent.replace(PATH, clock.now, "new", written)

    recent.amend(PATH, longer)

    assert shown(recent) == b"new and more"


async def test_an_answer_does_not_become_younger_by_what_is_heard(
    recent: Recent, clock: Hand
) -> None:
    await looked(recent, "old")
    read_at = clock.now
    clock.now += 0.05

    recent.amend(PATH, longer)

    assert recent.get(KEY, since=read_at) is None


async def test_an_answer_that_is_too_old_is_not_made_anew(recent: Recent, clock: Hand) -> None:
    await looked(recent, "old")
    clock.now += 0.2

    recent.amend(PATH, longer)

    assert shown(recent) is None


async def test_an_answer_of_which_nobody_knows_what_it_shows_is_forgotten(
    recent: Recent, clock: Hand
) -> None:
    computation = recent.compute(KEY)
    recent.computed(KEY, computation, Answer(200, [], b"old", "", clock.now))

    recent.amend(PATH, longer)

    assert shown(recent) is None


async def test_what_was_read_before_it_was_heard_of_is_not_kept(recent: Recent) -> None:
    reading = recent.compute(KEY)
    recent.amend(PATH, longer)

    recent.computed(KEY, reading, answer("old", reading.began))

    assert shown(recent) is None


async def test_a_change_that_is_already_shown_is_not_forgotten(recent: Recent) -> None:
    await looked(recent, "old")

    recent.changed(PATH, '"0"')
    assert shown(recent) == b"old"

    recent.changed(PATH, '"1"')
    assert shown(recent) is None
