"""Tests of deadlines in MongoDB."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import datetime, timedelta
from typing import Any

import pytest
from pymongo import AsyncMongoClient, MongoClient
from pymongo.asynchronous.collection import AsyncCollection

from common.change import Change
from common.events import ExpirationCompleted, OrderStatus
from common.persistence import mongo
from common.persistence.mongo import object_id
from common.persistence.outbox import Relay
from common.testing.clock import FakeClock
from common.testing.events import EventProbe
from common.testing.polling import eventually
from common.values.clock import utc_now
from common.values.ids import new_id
from expiration.domain import Deadline, Status, new_deadline
from expiration.service import ExpirationService
from expiration.store import DeadlineDocument, DeadlineStore

Rows = AsyncCollection[dict[str, Any]]
MINUTE = timedelta(minutes=1)


@pytest.fixture
async def rows(mongo_uri: str) -> AsyncGenerator[Rows]:
    async with AsyncMongoClient[dict[str, Any]](mongo_uri) as client:
        yield client.get_default_database()["deadlines"]


@pytest.fixture
def store(expirations: ExpirationService) -> DeadlineStore:
    return expirations._store


async def add_deadline(store: DeadlineStore, at: datetime) -> str:
    change = new_deadline(new_id(), OrderStatus.CREATED, expires_at=at, order_version=0)
    return (await store.add(change)).id


async def test_deadline_round_trips(store: DeadlineStore, clock: FakeClock) -> None:
    order_id = await add_deadline(store, clock() + 15 * MINUTE)

    found = await store.get(order_id)

    assert found == Deadline(order_id, 0, clock() + 15 * MINUTE, Status.WAITING, 0)


async def test_concurrent_expirations_publish_once(
    expirations: ExpirationService,
    store: DeadlineStore,
    clock: FakeClock,
    published: EventProbe,
    rows: Rows,
) -> None:
    order_id = await add_deadline(store, clock())

    single_updates = [
        store.update(order_id, lambda deadline: deadline.expire(clock())) for _ in range(5)
    ]
    batched_updates = [expirations.expire(order_id) for _ in range(5)]
    await asyncio.gather(*single_updates, *batched_updates)

    async def is_empty() -> bool:
        row = await rows.find_one({"_id": object_id(order_id)})
        return row is not None and not row["outbox"]

    await eventually(is_empty)
    assert await published.all(ExpirationCompleted) == [ExpirationCompleted(order_id=order_id)]
    assert (await store.get(order_id)).version == 1


async def test_expiration_and_its_event_are_one_document(
    mongo_uri: str, published: EventProbe, clock: FakeClock, rows: Rows
) -> None:
    async with mongo.connect(mongo_uri, [DeadlineDocument]) as database:
        never_started = Relay(published.bus, database, ["deadlines"], clock)
        store = DeadlineStore(never_started, clock)
        order_id = await add_deadline(store, clock())

        await store.update_many([order_id], lambda deadline: deadline.expire(clock()))

        row = await rows.find_one({"_id": object_id(order_id)})
    assert row is not None
    assert (row["status"], row["version"]) == ("fired", 1)
    assert [entry["subject"] for entry in row["outbox"]] == ["expiration.completed"]


async def test_lost_race_in_a_batch_publishes_nothing(
    store: DeadlineStore, clock: FakeClock, published: EventProbe, mongo_uri: str
) -> None:
    late, paid = await add_deadline(store, clock()), await add_deadline(store, clock())
    with MongoClient[dict[str, Any]](mongo_uri) as another:
        rows = another.get_default_database()["deadlines"]

        def decide(deadline: Deadline) -> Change[Deadline]:
            if deadline.id == paid:  # write between our read and our write
                clear_update = {"$set": {"status": "cleared"}, "$inc": {"version": 1}}
                rows.update_one({"_id": object_id(paid)}, clear_update)
            return deadline.expire(clock())

        after = {
            deadline.id: deadline for deadline in await store.update_many([late, paid], decide)
        }

    assert (after[late].status, after[paid].status) == (Status.EXPIRED, Status.CLEARED)
    assert (await store.get(paid)).status is Status.CLEARED
    last = await add_deadline(store, clock())
    await store.update(last, lambda deadline: deadline.expire(clock()))
    await published.next(ExpirationCompleted, count=2)
    assert [event.order_id for event in await published.all(ExpirationCompleted)] == [late, last]


async def test_concurrent_expire_and_clear_have_one_winner(
    expirations: ExpirationService, store: DeadlineStore, clock: FakeClock, published: EventProbe
) -> None:
    order_ids = [await add_deadline(store, clock()) for _ in range(20)]

    async def clear(order_id: str) -> None:
        await expirations.apply_order(order_id, OrderStatus.COMPLETE, expires_at=clock(), version=1)

    await asyncio.gather(*(job for o in order_ids for job in (expirations.expire(o), clear(o))))

    found = [await store.get(order_id) for order_id in order_ids]
    assert {deadline.status for deadline in found} <= {Status.EXPIRED, Status.CLEARED}
    expired = {deadline.id for deadline in found if deadline.status is Status.EXPIRED}

    async def is_published() -> bool:
        return {event.order_id for event in await published.all(ExpirationCompleted)} == expired

    await eventually(is_published)


async def test_due_deadlines_are_iterated_earliest_first(
    store: DeadlineStore, clock: FakeClock
) -> None:
    third, first, _, cleared = [
        await add_deadline(store, clock() + minutes * MINUTE) for minutes in (3, 1, 4, 2)
    ]
    await store.update(
        cleared,
        lambda deadline: deadline.apply_order(
            OrderStatus.CANCELLED, expires_at=clock(), order_version=1
        ),
    )

    pages = [
        [deadline.id for deadline in page]
        async for page in store.iter_due(until=clock() + 3 * MINUTE, batch=1)
    ]

    assert pages == [[first], [third]]


async def test_due_deadlines_are_found_by_their_index(store: DeadlineStore) -> None:
    query = store.collection.find({"status": "waiting", "expires_at": {"$lte": utc_now()}})

    plan = await query.explain()

    assert plan["queryPlanner"]["winningPlan"]["inputStage"]["indexName"] == "waiting"
