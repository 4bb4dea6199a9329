"""The store: reads, writes and races between writers."""

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from bson import ObjectId
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from common.change import Change
from common.errors import BadRequest, NotFound, ServiceUnavailable
from common.events import TicketCreated, TicketUpdated
from common.persistence import mongo, outbox, store
from common.persistence.mongo import Doc
from common.persistence.outbox import Relay
from common.persistence.store import Store
from common.testing.events import EventProbe
from common.testing.polling import TIMEOUT_SECONDS, eventually
from common.values.clock import utc_now
from common.values.ids import new_id

NewThing = Callable[[str], Change[Any]]


async def stored_document(things: Store[Any], thing_id: str) -> Doc:
    found = await things.collection.find_one({"_id": ObjectId(thing_id)})
    assert found is not None
    return found


def rename_to(name: str) -> Callable[[Any], Change[Any]]:
    return lambda thing: thing.renamed(name)


@pytest.fixture
def unpublished_things(
    make_store: Callable[..., Store[Any]], database: AsyncDatabase[Doc], published: EventProbe
) -> Store[Any]:
    """A store whose relay is never started, so that events stay in the outbox."""
    return make_store(Relay(published.bus, database, ["things"], utc_now))


async def test_add_stores_aggregate_and_publishes_event(
    things: Store[Any], new_thing: NewThing, published: EventProbe
) -> None:
    added = await things.add(new_thing("a"))

    assert await things.get(added.id) == added
    assert (await published.next(TicketCreated)).id == added.id


async def test_add_twice_raises_duplicate_key_error(
    things: Store[Any], new_thing: NewThing
) -> None:
    change = new_thing("a")
    await things.add(change)

    with pytest.raises(DuplicateKeyError) as refused:
        await things.add(change)

    assert mongo.violates_index(refused.value, "_id_")
    assert not mongo.violates_index(refused.value, "_id")


async def test_get_and_update_unknown_id_raise_not_found(things: Store[Any]) -> None:
    assert await things.find(new_id()) is None
    with pytest.raises(NotFound):
        await things.get(new_id())
    with pytest.raises(NotFound):
        await things.update(new_id(), lambda thing: thing.renamed("b"))


async def test_update_concurrent_writers_each_add_version_and_event(
    things: Store[Any], new_thing: NewThing, published: EventProbe
) -> None:
    thing = await things.add(new_thing(""))
    letters = "abcdefgh"

    def adds(letter: str) -> Callable[[Any], Change[Any]]:
        return lambda thing: thing.renamed(thing.name + letter)

    await asyncio.gather(*(things.update(thing.id, adds(letter)) for letter in letters))

    after = await things.get(thing.id)
    assert (sorted(after.name), after.version) == (sorted(letters), len(letters))
    await published.next(TicketUpdated, count=len(letters))
    events = await published.all(TicketUpdated)
    assert sorted(event.version for event in events) == list(range(1, len(letters) + 1))
    by_version = {event.version: event.title for event in events}
    assert [by_version[v] for v in sorted(by_version)] == [
        after.name[:length] for length in range(1, len(letters) + 1)
    ]


async def test_update_batched_with_snapshot_does_not_read(
    things: Store[Any], new_thing: NewThing, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = await things.add(new_thing("a"))
    monkeypatch.delattr(Store, "get")
    monkeypatch.delattr(things, "_find_many")

    await things.update_batched(snapshot.id, rename_to("b"), snapshot=snapshot)

    assert (await stored_document(things, snapshot.id))["name"] == "b"


@pytest.mark.parametrize("name", ["as it was", "otherwise"])
async def test_update_batched_with_outdated_snapshot_reads_again(
    things: Store[Any], new_thing: NewThing, name: str
) -> None:
    outdated = await things.add(new_thing("as it was"))
    await things.update(outdated.id, rename_to("changed since"))

    after = await things.update_batched(outdated.id, rename_to(name), snapshot=outdated)

    assert (after.name, after.version) == (name, 2)
    assert await things.get(outdated.id) == after


async def test_update_batched_concurrent_updates_each_publish_once(
    things: Store[Any], new_thing: NewThing, published: EventProbe
) -> None:
    snapshots = [await things.add(new_thing("a")) for _ in range(6)]
    await things.update(snapshots[1].id, rename_to("since"))
    twice = [*snapshots, snapshots[0]]

    after = await asyncio.gather(
        *(
            things.update_batched(thing.id, rename_to("b"), snapshot=thing if n % 2 else None)
            for n, thing in enumerate(twice)
        )
    )

    assert [thing.name for thing in after] == ["b"] * 7
    assert [thing.version for thing in after] == [1, 2, 1, 1, 1, 1, 1]
    await published.next(TicketUpdated, count=7)
    assert len(await published.all(TicketUpdated)) == 7


async def test_update_batched_lost_race_is_retried_alone(
    things: Store[Any], new_thing: NewThing, published: EventProbe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest of the batch is neither read again nor left to the outbox sweep."""
    snapshots = [await things.add(new_thing("a")) for _ in range(4)]
    await things.update(snapshots[0].id, rename_to("since"))
    get, retried = things.get, list[str]()

    async def record_get(thing_id: str) -> Any:
        retried.append(thing_id)
        return await get(thing_id)

    monkeypatch.setattr(things, "get", record_get)
    monkeypatch.setattr(outbox, "SWEEP_AGE", timedelta(minutes=1))

    after = await asyncio.gather(
        *(things.update_batched(thing.id, rename_to("b"), snapshot=thing) for thing in snapshots)
    )

    assert [(thing.name, thing.version) for thing in after] == [("b", 2)] + [("b", 1)] * 3
    assert retried == [snapshots[0].id]
    await published.next(TicketUpdated, count=5)


async def test_update_batched_lost_races_are_retried_concurrently(
    things: Store[Any], new_thing: NewThing, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshots = [await things.add(new_thing("a")) for _ in range(4)]
    for thing in snapshots:
        await things.update(thing.id, rename_to("since"))
    get, barrier = things.get, asyncio.Barrier(len(snapshots))

    async def get_together(thing_id: str) -> Any:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await barrier.wait()
        return await get(thing_id)

    monkeypatch.setattr(things, "get", get_together)

    after = await asyncio.gather(
        *(things.update_batched(thing.id, rename_to("b"), snapshot=thing) for thing in snapshots)
    )

    assert [(thing.name, thing.version) for thing in after] == [("b", 2)] * 4


async def test_update_batched_lost_to_an_equal_event_is_not_taken_for_written(
    unpublished_things: Store[Any], new_thing: NewThing
) -> None:
    """Another writer changes what is not public, in the same millisecond."""
    things = unpublished_things
    thing = await things.add(new_thing("a"))
    update = things._mapping.update(thing, thing.renamed("b"), utc_now)
    other = replace(update, update={**update.update, "$set": {"version": 1, "name": "other"}})

    assert await things._writer.update(other)
    assert await things._writer.update_many([update]) == [False]
    assert await things._writer.update_many([other]) == [True]


async def test_update_batched_stores_texts_that_look_like_expressions(
    things: Store[Any], new_thing: NewThing
) -> None:
    things._mapping = replace(things._mapping, audited=True)
    thing = await things.add(new_thing("a"))

    await things.update_batched(thing.id, rename_to("$version"))

    stored = await stored_document(things, thing.id)
    assert stored["name"] == "$version"
    assert [entry["changed"] for entry in stored["history"]] == [
        {"name": "a"},
        {"name": "$version"},
    ]


async def test_update_many_returns_only_existing_aggregates(
    things: Store[Any], new_thing: NewThing
) -> None:
    one, other = [await things.add(new_thing(name)) for name in "ab"]

    after = await things.update_many([one.id, new_id(), other.id], rename_to("b"))

    assert [(thing.id, thing.version) for thing in after] == [(one.id, 1), (other.id, 0)]


async def test_update_many_failing_decision_raises_its_error(
    things: Store[Any], new_thing: NewThing
) -> None:
    thing = await things.add(new_thing("a"))

    def fail(_: Any) -> Change[Any]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await things.update_many([thing.id], fail)


async def test_update_keeps_unpublished_events_in_outbox(
    unpublished_things: Store[Any], new_thing: NewThing
) -> None:
    things = unpublished_things
    thing = await things.add(new_thing("a"))

    await things.update(thing.id, lambda thing: thing.renamed("b"))
    await things.update(thing.id, lambda thing: thing.renamed("c"))

    stored = await stored_document(things, thing.id)
    assert stored["version"] == 2
    assert [entry["id"] for entry in stored["outbox"]] == [
        f"ticket.created:{thing.id}:0",
        f"ticket.updated:{thing.id}:1",
        f"ticket.updated:{thing.id}:2",
    ]


async def test_update_refused_or_without_change_writes_nothing(
    things: Store[Any], new_thing: NewThing
) -> None:
    thing = await things.add(new_thing("a"))

    async def emptied() -> bool:
        return not (await stored_document(things, thing.id))["outbox"]

    await eventually(emptied)
    before = await stored_document(things, thing.id)

    def refuse(_: Any) -> Change[Any]:
        raise BadRequest("no")

    with pytest.raises(BadRequest):
        await things.update(thing.id, refuse)
    await things.update(thing.id, lambda thing: thing.renamed("a"))

    assert await stored_document(things, thing.id) == before


async def test_update_skipped_version_raises_assertion_error(
    things: Store[Any], new_thing: NewThing
) -> None:
    thing = await things.add(new_thing("a"))
    far = await things.update(thing.id, lambda thing: thing.renamed("b"))

    with pytest.raises(AssertionError):
        await things.update(thing.id, lambda _: Change(type(far)(far.id, 9, "c")))


async def test_update_losing_every_race_raises_service_unavailable(
    things: Store[Any], new_thing: NewThing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "MAX_ATTEMPTS", 3)
    thing = await things.add(new_thing("a"))
    attempts = itertools.count()

    def decide(before: Any) -> Change[Any]:
        next(attempts)
        return type(before)(before.id, before.version, "stale").renamed("b")

    async def write_concurrently() -> None:
        await things.collection.update_one({"_id": ObjectId(thing.id)}, {"$inc": {"version": 1}})

    get = things.get

    async def get_then_lose_race(thing_id: str) -> Any:
        found = await get(thing_id)
        await write_concurrently()
        return found

    monkeypatch.setattr(things, "get", get_then_lose_race)

    with pytest.raises(ServiceUnavailable):
        await things.update(thing.id, decide)
    assert next(attempts) == 3


async def test_snapshot_events_yield_each_state_under_new_ids(
    things: Store[Any], new_thing: NewThing
) -> None:
    names = {(await things.add(new_thing(name))).id: name for name in "abc"}

    def to_event(thing: Any) -> TicketUpdated | None:
        return None if thing.name == "b" else thing.renamed("again").events[0]

    first = [message async for message in things.snapshot_events(to_event)]
    second = [message async for message in things.snapshot_events(to_event)]

    assert {m.aggregate_id for m in first} == {i for i, name in names.items() if name != "b"}
    assert not {m.id for m in first} & {m.id for m in second}
