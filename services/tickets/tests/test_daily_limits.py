"""Tests of what a person may add in a day, and of how it is counted."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from common.app import Service
from common.errors import TooManyRequests
from common.persistence.mongo import collection_of
from common.testing.clock import FakeClock
from common.values.ids import new_id
from tickets.app import DOCUMENTS
from tickets.settings import Settings
from tickets.store.daily_limits import DailyCounterDocument, DailyLimit

MakeLimit = Callable[[int], DailyLimit]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(datetime(2030, 1, 1, 18, tzinfo=UTC))


@pytest.fixture
async def make_limit(
    environment: dict[str, Any], published: object, clock: FakeClock
) -> AsyncGenerator[MakeLimit]:
    """Return a function that creates the limit of one replica."""
    assert published
    service = Service.from_settings("tickets", Settings(**environment), clock)
    async with service.open(DOCUMENTS):
        yield lambda limit: DailyLimit("list", "tickets", limit, clock)


async def count_accepted(limit: DailyLimit, user_id: str, attempts: int) -> int:
    accepted = 0
    for _ in range(attempts):
        try:
            await limit.record(user_id)
        except TooManyRequests:
            continue
        accepted += 1
    return accepted


async def test_concurrent_first_listings_are_all_accepted(make_limit: MakeLimit) -> None:
    replicas = [make_limit(40) for _ in range(4)]
    for user_id in (new_id() for _ in range(20)):  # each user's counter does not exist yet
        attempts = [count_accepted(each, user_id, 1) for each in replicas for _ in range(10)]
        assert sum(await asyncio.gather(*attempts)) == len(attempts)


async def test_one_process_accepts_exactly_the_limit(make_limit: MakeLimit) -> None:
    limit = make_limit(100)

    assert await count_accepted(limit, new_id(), 130) == 100


async def test_few_listings_write_no_counter(make_limit: MakeLimit) -> None:
    limit = make_limit(100)

    assert await count_accepted(limit, new_id(), 9) == 9

    counters = collection_of(DailyCounterDocument)
    assert await counters.count_documents({}) == 0


async def test_replicas_exceed_the_limit_by_less_than_a_tenth_each(make_limit: MakeLimit) -> None:
    user_id, replicas = new_id(), [make_limit(100) for _ in range(3)]

    accepted = 0
    for _ in range(60):
        for replica in replicas:
            accepted += await count_accepted(replica, user_id, 1)

    assert 100 <= accepted < 100 + 3 * 10


async def test_limit_of_a_user_ends_with_the_day(make_limit: MakeLimit, clock: FakeClock) -> None:
    limit, user_id = make_limit(1), new_id()
    await limit.record(user_id)

    with pytest.raises(TooManyRequests) as error:
        await limit.record(user_id)
    await limit.record(new_id())
    clock.advance(hours=6)
    await limit.record(user_id)

    assert error.value.retry_after == 6 * 3_600
