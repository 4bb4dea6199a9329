"""Copies of another service's aggregates: many at once, in any order, the newest stays."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from beanie import Document
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.persistence import mongo
from common.persistence.replica import Replica
from common.values.ids import new_id


class Copy(Document):
    class Settings:
        name = "copies"


@pytest.fixture
async def replica(mongo_uri: str) -> AsyncGenerator[Replica]:
    async with mongo.connect(mongo_uri, [Copy]):
        yield Replica(Copy)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.integers(0, 8), min_size=1, max_size=20))
async def test_whatever_is_heard_at_once_the_newest_stays(
    replica: Replica, versions: list[int]
) -> None:
    copy_id = new_id()

    await asyncio.gather(*(replica.upsert(copy_id, v, {"seen": v}) for v in versions))

    doc = await replica.find(copy_id)
    assert doc is not None
    assert (doc["version"], doc["seen"]) == (max(versions), max(versions))


async def test_many_copies_are_kept_side_by_side(replica: Replica) -> None:
    ids = [new_id() for _ in range(300)]

    await asyncio.gather(*(replica.upsert(one, 0, {"seen": n}) for n, one in enumerate(ids)))

    docs: list[dict[str, Any] | None] = await asyncio.gather(*(replica.find(one) for one in ids))
    assert [doc["seen"] for doc in docs if doc] == list(range(300))


async def test_what_was_never_heard_of_is_not_there(replica: Replica) -> None:
    assert await replica.find(new_id()) is None


async def test_only_who_brings_the_first_word_is_told_that_it_was(replica: Replica) -> None:
    copy_id = new_id()

    assert await replica.upsert(copy_id, 1, {"seen": 1})
    assert not await replica.upsert(copy_id, 2, {"seen": 2})
    assert not await replica.upsert(copy_id, 0, {"seen": 0})
