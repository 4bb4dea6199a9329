"""Tests of the stored counters: what they keep, and for how long."""

from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any

import pytest

from common.app import Service
from common.persistence.mongo import Doc
from common.testing.clock import FakeClock
from common.values.clock import utc_now
from common.values.ids import new_id
from payments.app import DOCUMENTS
from payments.settings import Settings
from payments.store.decline_counters import (
    DAY,
    HOUR,
    MAX_REFUSED_ACCOUNTS,
    REFUSED_CARD_RETENTION,
    CardRefused,
    DeclineCounters,
    Limit,
    LimitReached,
)

ACCOUNT = Limit("account:1", 2, HOUR)
ADDRESS = Limit("address:192.0.2.1", 1, HOUR)
CARD = Limit("card:fingerprint", 2, DAY)


@pytest.fixture
def clock() -> FakeClock:
    """Return a clock near the present, because MongoDB deletes expired counters by its own."""
    return FakeClock(utc_now().replace(microsecond=0))


@pytest.fixture
async def counters(
    payments_environment: dict[str, Any], published: object, clock: FakeClock
) -> AsyncGenerator[DeclineCounters]:
    assert published
    service = Service.from_settings("payments", Settings(**payments_environment))
    async with service.open(DOCUMENTS):
        yield DeclineCounters(clock)


async def find(counters: DeclineCounters, limit: Limit) -> Doc:
    doc = await counters._counters.find_one({"_id": limit.key})
    return doc or {}


async def test_count_of_the_same_attempt_is_stored_once(counters: DeclineCounters) -> None:
    for _ in range(3):
        await counters.count("a:1", "user", [ACCOUNT, ADDRESS])

    assert [attempt["id"] for attempt in (await find(counters, ACCOUNT))["attempts"]] == ["a:1"]


async def test_count_beyond_one_limit_is_stored_under_none(
    counters: DeclineCounters, clock: FakeClock
) -> None:
    await counters.count("a:1", "user", [ACCOUNT, ADDRESS])
    clock.advance(minutes=15)

    with pytest.raises(LimitReached) as reached:
        await counters.count("b:1", "user", [ACCOUNT, ADDRESS])

    assert reached.value.retry_after == 45 * 60
    assert [attempt["id"] for attempt in (await find(counters, ACCOUNT))["attempts"]] == ["a:1"]


async def test_counter_is_bounded_and_expires_with_its_window(
    counters: DeclineCounters, clock: FakeClock
) -> None:
    for n in range(6):
        await counters.count(f"a:{n}", "user", [ACCOUNT])
        clock.advance(minutes=31)

    stored = await find(counters, ACCOUNT)
    assert [attempt["id"] for attempt in stored["attempts"]] == ["a:4", "a:5"]
    assert stored["until"] == clock() - timedelta(minutes=31) + HOUR
    indexes = await counters._counters.index_information()
    assert [index["expireAfterSeconds"] for index in indexes.values() if "until" in str(index)] == [
        0
    ]


async def test_release_gives_back_every_count_of_an_attempt(counters: DeclineCounters) -> None:
    for attempt in ("a:1", "b:1"):
        await counters.count(attempt, "user", [ACCOUNT, CARD])

    await counters.release("a:1")

    await counters.count("c:1", "user", [ACCOUNT, CARD])
    with pytest.raises(LimitReached):
        await counters.count("d:1", "user", [ACCOUNT, CARD])


async def test_release_under_keys_leaves_other_attempts_and_keys(counters: DeclineCounters) -> None:
    for attempt in ("a:1", "b:1"):
        await counters.count(attempt, "user", [ACCOUNT, CARD])

    await counters.release_under("a:1", [ACCOUNT.key])

    stored = [(await find(counters, limit))["attempts"] for limit in (ACCOUNT, CARD)]
    assert [[attempt["id"] for attempt in each] for each in stored] == [["b:1"], ["a:1", "b:1"]]


async def test_refused_card_is_refused_to_its_account_only(
    counters: DeclineCounters, clock: FakeClock
) -> None:
    user, other = new_id(), new_id()
    await counters.count("a:1", user, [CARD])
    await counters.refuse_card(CARD.key, user)
    clock.advance(days=89)

    with pytest.raises(CardRefused):
        await counters.count("b:1", user, [CARD])
    await counters.count("c:1", other, [CARD])

    stored = await find(counters, CARD)
    assert [attempt["id"] for attempt in stored["attempts"]] == ["a:1", "c:1"]
    assert stored["until"] == clock() - timedelta(days=89) + REFUSED_CARD_RETENTION


async def test_refused_accounts_of_a_card_are_bounded(counters: DeclineCounters) -> None:
    users = [new_id() for _ in range(MAX_REFUSED_ACCOUNTS + 5)]

    for user in [*users, users[-1]]:
        await counters.refuse_card(CARD.key, user)

    assert (await find(counters, CARD))["refused"] == users[5:]
