"""Copies of another service's aggregates: many at once, in any order, the newest stays."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from beanie import Document
from bson import ObjectId
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
    max_examples=50,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(versions=st.lists(st.integers(0, 8), min_size=1, max_size=20), concurrently=st.booleans())
async def test_upsert_versions_in_any_order_keeps_newest(
    replica: Replica, versions: list[int], *, concurrently: bool
) -> None:
    copy_id = new_id()

    if concurrently:
        await asyncio.gather(*(replica.upsert(copy_id, v, {"seen": v}) for v in versions))
    else:
        for version in versions:
            await replica.upsert(copy_id, version, {"seen": version})

    newest = max(versions)
    assert await replica.find(copy_id) == {
        "_id": ObjectId(copy_id),
        "version": newest,
        "seen": newest,
    }


async def test_upsert_concurrent_inserts_of_replicas_keep_newest(replica: Replica) -> None:
    replicas = [replica, *(Replica(Copy) for _ in range(5))]
    versions = (0, 3, 1, 2, 0, 3)
    for _ in range(150):  # a lost update showed in one of sixteen rounds
        copy_id = new_id()

        await asyncio.gather(
            *(one.upsert(copy_id, v, {}) for one, v in zip(replicas, versions, strict=True))
        )

        doc = await replica.find(copy_id)
        assert doc is not None
        assert doc["version"] == 3


async def test_upsert_older_or_equal_state_is_ignored(replica: Replica) -> None:
    copy_id = new_id()
    seen: list[int] = []

    for n, version in enumerate((1, 1, 0, 2)):
        await replica.upsert(copy_id, version, {"seen": n})
        doc = await replica.find(copy_id)
        assert doc is not None
        seen.append(doc["seen"])

    assert seen == [0, 0, 0, 3]


async def test_upsert_many_aggregates_stores_each(replica: Replica) -> None:
    ids = [new_id() for _ in range(300)]

    await asyncio.gather(*(replica.upsert(one, 0, {"seen": n}) for n, one in enumerate(ids)))

    docs: list[dict[str, Any] | None] = await asyncio.gather(*(replica.find(one) for one in ids))
    assert [doc["seen"] for doc in docs if doc] == list(range(300))


async def test_find_unknown_id_returns_none(replica: Replica) -> None:
    assert await replica.find(new_id()) is None


async def test_upsert_stores_texts_that_look_like_expressions(replica: Replica) -> None:
    copy_id = new_id()
    fields: dict[str, Any] = {"title": "$5", "show": {"name": "$$ROOT", "$size": []}}

    for version in (0, 1):
        await replica.upsert(copy_id, version, fields)

    assert await replica.find(copy_id) == {"_id": ObjectId(copy_id), "version": 1, **fields}
