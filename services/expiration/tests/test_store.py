"""Deadlines in MongoDB: two writers, the event in the same write, what is due."""

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
from common.testing.plugin import FakeClock, Published, eventually
from common.values.clock import utc_now
from common.values.ids import new_id
from expiration.domain import Deadline, Status, heard_of
from expiration.service import Expirations
from expiration.store import DeadlineDocument, DeadlineStore

Rows = AsyncCollection[dict[str, Any]]
MINUTE = timedelta(minutes=1)


@pytest.fixture
async def rows(mongo_uri: str) -> AsyncGenerator[Rows]:
    async with AsyncMongoClient[dict[str, Any]](mongo_uri) as client:
        yield client.get_default_database()["deadlines"]


@pytest.fixture
def store(door: Expirations) -> DeadlineStore:
    return door._store


async def noted(store: DeadlineStore, at: datetime) -> str:
    change = heard_of(new_id(), OrderStatus.CREATED, expires_at=at, order_version=0)
    return (await store.add(change)).id


async def test_a_deadline_is_read_back_as_it_was_noted(
    store: DeadlineStore, clock: FakeClock
) -> None:
    order_id = await noted(store, clock() + 15 * MINUTE)

    found = await store.get(order_id)

    assert found == Deadline(order_id, 0, clock() + 15 * MINUTE, Status.WAITING, 0)


async def test_ten_who_fire_at_once_tell_it_once(
    door: Expirations, store: DeadlineStore, clock: FakeClock, published: Published, rows: Rows
) -> None:
    order_id = await noted(store, clock())

    one_by_one = [store.change(order_id, lambda known: known.fire(clock())) for _ in range(5)]
    grouped = [door.fire(order_id) for _ in range(5)]
    await asyncio.gather(*one_by_one, *grouped)

    async def emptied() -> bool:
        row = await rows.find_one({"_id": object_id(order_id)})
        return row is not None and not row["outbox"]

    await eventually(emptied)
    assert await published.all(ExpirationCompleted) == [ExpirationCompleted(order_id=order_id)]
    assert (await store.get(order_id)).version == 1


async def test_the_event_waits_in_the_row_that_has_fired(
    mongo_uri: str, published: Published, clock: FakeClock, rows: Rows
) -> None:
    async with mongo.connected(mongo_uri, [DeadlineDocument]) as database:
        never_started = Relay(published.bus, database, ["deadlines"], clock)
        store = DeadlineStore(never_started, clock)
        order_id = await noted(store, clock())

        await store.change_all([order_id], lambda known: known.fire(clock()))

        row = await rows.find_one({"_id": object_id(order_id)})
    assert row is not None
    assert (row["status"], row["version"]) == ("fired", 1)
    assert [entry["subject"] for entry in row["outbox"]] == ["expiration.completed"]


async def test_a_race_lost_among_many_is_not_told(
    store: DeadlineStore, clock: FakeClock, published: Published, mongo_uri: str
) -> None:
    late, paid = await noted(store, clock()), await noted(store, clock())
    with MongoClient[dict[str, Any]](mongo_uri) as another:
        rows = another.get_default_database()["deadlines"]

        def decide(known: Deadline) -> Change[Deadline]:
            if known.id == paid:  # between our read and our write
                paid_meanwhile = {"$set": {"status": "cleared"}, "$inc": {"version": 1}}
                rows.update_one({"_id": object_id(paid)}, paid_meanwhile)
            return known.fire(clock())

        after = {known.id: known for known in await store.change_all([late, paid], decide)}

    assert (after[late].status, after[paid].status) == (Status.FIRED, Status.WAITING)
    assert (await store.get(paid)).status is Status.CLEARED
    last = await noted(store, clock())
    await store.change(last, lambda known: known.fire(clock()))
    await published.next(ExpirationCompleted, count=2)
    assert [event.order_id for event in await published.all(ExpirationCompleted)] == [late, last]


async def test_of_one_who_fires_and_one_who_clears_one_wins(
    door: Expirations, store: DeadlineStore, clock: FakeClock, published: Published
) -> None:
    order_ids = [await noted(store, clock()) for _ in range(20)]

    async def clear(order_id: str) -> None:
        await door.follow_order(order_id, OrderStatus.COMPLETE, expires_at=clock(), version=1)

    await asyncio.gather(*(job for o in order_ids for job in (door.fire(o), clear(o))))

    found = [await store.get(order_id) for order_id in order_ids]
    assert {known.status for known in found} <= {Status.FIRED, Status.CLEARED}
    fired = {known.id for known in found if known.status is Status.FIRED}

    async def told() -> bool:
        return {event.order_id for event in await published.all(ExpirationCompleted)} == fired

    await eventually(told)


async def test_what_waits_is_given_the_most_urgent_first(
    store: DeadlineStore, clock: FakeClock
) -> None:
    third, first, _, cleared = [
        await noted(store, clock() + minutes * MINUTE) for minutes in (3, 1, 4, 2)
    ]
    await store.change(
        cleared,
        lambda known: known.follow(OrderStatus.CANCELLED, expires_at=clock(), order_version=1),
    )

    pages = [
        [known.id for known in page]
        async for page in store.waiting(until=clock() + 3 * MINUTE, batch=1)
    ]

    assert pages == [[first], [third]]


async def test_what_waits_is_found_by_its_index(store: DeadlineStore) -> None:
    query = store.collection.find({"status": "waiting", "expires_at": {"$lte": utc_now()}})

    plan = await query.explain()

    assert plan["queryPlanner"]["winningPlan"]["inputStage"]["indexName"] == "waiting"
