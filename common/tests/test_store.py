"""The store's write methods, and copies of other services' aggregates."""

import asyncio
import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from bson import ObjectId
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import DuplicateKeyError

from common.change import Change
from common.errors import BadRequest, NotFound, ServiceUnavailable
from common.events import TicketCreated, TicketUpdated
from common.persistence import mongo, outbox, store
from common.persistence.mongo import Doc
from common.persistence.outbox import Relay
from common.persistence.replica import upsert_newer
from common.persistence.store import Store
from common.testing.events import EventProbe
from common.testing.polling import eventually
from common.values.clock import utc_now
from common.values.ids import new_id

NewThing = Callable[[str], Change[Any]]


async def stored_document(things: Store[Any], thing_id: str) -> Doc:
    found = await things.collection.find_one({"_id": ObjectId(thing_id)})
    assert found is not None
    return found


def rename_to(name: str) -> Callable[[Any], Change[Any]]:
    return lambda thing: thing.renamed(name)


async def test_what_is_added_is_read_back_and_told(
    things: Store[Any], new_thing: NewThing, published: EventProbe
) -> None:
    added = await things.add(new_thing("a"))

    assert await things.get(added.id) == added
    assert (await published.next(TicketCreated)).id == added.id


async def test_the_same_thing_cannot_be_added_twice(
    things: Store[Any], new_thing: NewThing
) -> None:
    change = new_thing("a")
    await things.add(change)

    with pytest.raises(DuplicateKeyError) as refused:
        await things.add(change)

    assert mongo.violates_index(refused.value, "_id_")
    assert not mongo.violates_index(refused.value, "_id")


async def test_what_is_not_there_cannot_be_read_or_changed(things: Store[Any]) -> None:
    assert await things.find(new_id()) is None
    with pytest.raises(NotFound):
        await things.get(new_id())
    with pytest.raises(NotFound):
        await things.update(new_id(), lambda thing: thing.renamed("b"))


async def test_the_changes_of_many_writers_all_land_one_version_and_one_event_each(
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
        async with asyncio.timeout(10):
            await barrier.wait()
        return await get(thing_id)

    monkeypatch.setattr(things, "get", get_together)

    after = await asyncio.gather(
        *(things.update_batched(thing.id, rename_to("b"), snapshot=thing) for thing in snapshots)
    )

    assert [(thing.name, thing.version) for thing in after] == [("b", 2)] * 4


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


async def test_an_event_in_the_outbox_survives_the_next_writer(
    make_store: Callable[..., Store[Any]],
    database: AsyncDatabase[Doc],
    published: EventProbe,
    new_thing: NewThing,
) -> None:
    things = make_store(Relay(published.bus, database, ["things"], utc_now))  # never started
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


async def test_a_refused_change_writes_nothing(things: Store[Any], new_thing: NewThing) -> None:
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


async def test_a_change_that_skips_a_version_is_a_bug(
    things: Store[Any], new_thing: NewThing
) -> None:
    thing = await things.add(new_thing("a"))
    far = await things.update(thing.id, lambda thing: thing.renamed("b"))

    with pytest.raises(AssertionError):
        await things.update(thing.id, lambda _: Change(type(far)(far.id, 9, "c")))


async def test_a_writer_that_loses_every_race_says_so(
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


async def test_states_tell_each_thing_once_under_an_id_never_used_before(
    things: Store[Any], new_thing: NewThing
) -> None:
    names = {(await things.add(new_thing(name))).id: name for name in "abc"}

    def to_event(thing: Any) -> TicketUpdated | None:
        return None if thing.name == "b" else thing.renamed("again").events[0]

    first = [message async for message in things.snapshot_events(to_event)]
    second = [message async for message in things.snapshot_events(to_event)]

    assert {m.aggregate_id for m in first} == {i for i, name in names.items() if name != "b"}
    assert not {m.id for m in first} & {m.id for m in second}


@given(data=st.data())
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_whatever_the_order_of_arrival_the_newest_state_is_kept(
    database: AsyncDatabase[Doc], data: st.DataObject
) -> None:
    versions = data.draw(st.lists(st.integers(0, 6), min_size=1, max_size=8))
    together = data.draw(st.booleans())
    copies, copy_id = database["copies"], new_id()

    def apply(version: int) -> Any:
        return upsert_newer(copies, copy_id, version, {"name": f"as of {version}"})

    if together:
        applied = await asyncio.gather(*(apply(version) for version in versions))
    else:
        applied = [await apply(version) for version in versions]

    newest = max(versions)
    kept = await copies.find_one({"_id": ObjectId(copy_id)}, {"_id": 0})
    assert kept == {"version": newest, "name": f"as of {newest}"}
    assert any(applied)


async def test_of_two_who_insert_a_copy_at_once_the_newer_wins(
    database: AsyncDatabase[Doc],
) -> None:
    copies = database["copies"]
    for _ in range(150):  # lost once in about sixteen rounds, when a duplicate was the last word
        copy_id = new_id()

        await asyncio.gather(*(upsert_newer(copies, copy_id, v, {}) for v in (0, 3, 1, 2, 0, 3)))

        kept = await copies.find_one({"_id": ObjectId(copy_id)})
        assert kept is not None
        assert kept["version"] == 3


async def test_an_older_or_equal_state_is_not_applied(database: AsyncDatabase[Doc]) -> None:
    copies, copy_id = database["copies"], new_id()

    assert [
        await upsert_newer(copies, copy_id, v, {"at": n}) for n, v in enumerate((1, 1, 0, 2))
    ] == [
        True,
        False,
        False,
        True,
    ]
