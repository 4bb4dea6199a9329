"""The relay and the sweep publish every committed event; the lease limits the sweeps."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from bson import ObjectId
from prometheus_client import REGISTRY
from pymongo.asynchronous.database import AsyncDatabase

from common.change import Change
from common.events import TicketCreated, TicketUpdated
from common.messaging import bus
from common.messaging.declarations import declare
from common.messaging.envelope import EventEnvelope
from common.persistence import outbox
from common.persistence.lease import Lease
from common.persistence.mongo import Doc
from common.persistence.outbox import Relay
from common.persistence.store import Store
from common.testing.clock import FakeClock
from common.testing.events import EventProbe
from common.testing.outboxes import a_minute_ago, wait_until_outboxes_empty
from common.testing.polling import TIMEOUT_SECONDS, eventually
from common.values.clock import utc_now

NewThing = Callable[[str], Change[Any]]
MakeStore = Callable[..., Store[Any]]


async def test_sweep_publishes_events_of_dead_process(
    make_store: MakeStore, database: AsyncDatabase[Doc], published: EventProbe, new_thing: NewThing
) -> None:
    crashed = make_store(Relay(published.bus, database, ["things"], utc_now), a_minute_ago)
    thing = await crashed.add(new_thing("a"))
    await crashed.update(thing.id, lambda thing: thing.renamed("b"))
    assert await published.all(TicketCreated) == []

    alive = Relay(published.bus, database, ["things"], utc_now)
    alive.start()

    assert (await published.next(TicketCreated)).id == thing.id
    assert (await published.next(TicketUpdated)).title == "b"
    await wait_until_outboxes_empty(crashed)
    await alive.stop(5)


async def test_sweep_of_other_collections_by_another_process_delays_nothing(
    make_store: MakeStore, database: AsyncDatabase[Doc], published: EventProbe, new_thing: NewThing
) -> None:
    second_process = Relay(published.bus, database, ["others"], utc_now)
    second_process.start()

    async def has_lease() -> bool:
        return bool(await database["leases"].count_documents({}))

    await eventually(has_lease)
    crashed = make_store(Relay(published.bus, database, ["things"], utc_now), a_minute_ago)
    thing = await crashed.add(new_thing("a"))
    alive = Relay(published.bus, database, ["things"], utc_now)
    alive.start()

    assert (await published.next(TicketCreated)).id == thing.id
    await alive.stop(5)
    await second_process.stop(5)


async def test_sweep_published_but_not_removed_event_is_stored_once(
    make_store: MakeStore, database: AsyncDatabase[Doc], published: EventProbe, new_thing: NewThing
) -> None:
    crashed = make_store(Relay(published.bus, database, ["things"], utc_now), a_minute_ago)
    thing = await crashed.add(new_thing("a"))
    doc = await crashed.collection.find_one({"_id": ObjectId(thing.id)})
    assert doc is not None
    (entry,) = doc["outbox"]
    event = TicketCreated.model_validate_json(entry["data"])
    await published.publish(event, aggregate_id=thing.id, event_id=entry["id"])  # then it died

    alive = Relay(published.bus, database, ["things"], utc_now)
    alive.start()

    await wait_until_outboxes_empty(crashed)
    assert len(await published.all(TicketCreated)) == 1
    await alive.stop(5)


async def test_relay_two_replicas_publish_once_and_in_order(
    make_store: MakeStore, database: AsyncDatabase[Doc], published: EventProbe, new_thing: NewThing
) -> None:
    relays = [Relay(published.bus, database, ["things"], utc_now) for _ in range(2)]
    for relay in relays:
        relay.start()
    replicas = [make_store(relay) for relay in relays]
    things = [await replicas[0].add(new_thing("")) for _ in range(5)]

    def rename(name: str) -> Callable[[Any], Change[Any]]:
        return lambda thing: thing.renamed(name)

    for number in range(20):
        await asyncio.gather(
            *(replicas[number % 2].update(thing.id, rename(str(number))) for thing in things)
        )

    await published.next(TicketUpdated, count=100)
    await wait_until_outboxes_empty(replicas[0])
    events = await published.all(TicketUpdated)
    assert len(events) == 100
    for thing in things:
        versions = [event.version for event in events if event.id == thing.id]
        assert sorted(versions) == list(range(1, 21))
    for relay in relays:
        await relay.stop(5)


async def test_relay_publishes_changes_of_aggregate_in_order(
    things: Store[Any], new_thing: NewThing, published: EventProbe
) -> None:
    thing = await things.add(new_thing(""))

    for number in range(50):
        await things.update(thing.id, lambda thing, n=number: thing.renamed(str(n)))

    await published.next(TicketUpdated, count=50)
    assert [e.version for e in await published.all(TicketUpdated)] == list(range(1, 51))


async def test_relay_new_event_does_not_wait_for_earlier_acks(
    make_store: MakeStore,
    database: AsyncDatabase[Doc],
    published: EventProbe,
    new_thing: NewThing,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    publish, second = published.bus.publish, asyncio.Event()
    acked: list[str] = []

    async def first_acked_last(message: EventEnvelope) -> None:
        if message.aggregate_id == first.id:
            await asyncio.wait_for(second.wait(), TIMEOUT_SECONDS)
        await publish(message)
        acked.append(message.aggregate_id)
        second.set()

    monkeypatch.setattr(published.bus, "publish", first_acked_last)
    relay = Relay(published.bus, database, ["things"], utc_now)
    relay.start()
    things = make_store(relay)
    first = await things.add(new_thing("a"))
    later = await things.add(new_thing("b"))
    await wait_until_outboxes_empty(things)

    assert acked == [later.id, first.id]
    await relay.stop(5)


async def test_relay_removes_each_published_event_once(
    things: Store[Any],
    database: AsyncDatabase[Doc],
    new_thing: NewThing,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outbox, "SWEEP_AGE", timedelta(minutes=1))  # a slow machine needs no sweep

    async def add_repeatedly() -> None:
        for _ in range(20):
            await things.add(new_thing("a"))

    await database.command("profile", 2)  # MongoDB keeps what it is asked to do
    await asyncio.gather(*(add_repeatedly() for _ in range(20)))
    await wait_until_outboxes_empty(things)
    await database.command("profile", 0)

    removals = {"op": "update", "command.u.$pull": {"$exists": True}}
    updates = await database["system.profile"].find(removals).to_list()
    assert sum(update["nMatched"] for update in updates) == 400
    assert len(updates) < 40


async def test_relay_removes_consecutive_events_together(
    relay: Relay,
    things: Store[Any],
    database: AsyncDatabase[Doc],
    new_thing: NewThing,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(outbox, "CLEANUP_INTERVAL_SECONDS", TIMEOUT_SECONDS)
    monkeypatch.setattr(outbox, "SWEEP_AGE", timedelta(minutes=1))
    await database.command("profile", 2)
    thing = await things.add(new_thing("a"))
    for name in "bcdef":
        await things.update(thing.id, lambda thing, to=name: thing.renamed(to))
    await relay.stop(TIMEOUT_SECONDS)  # which does not wait for the interval
    await wait_until_outboxes_empty(things)
    await database.command("profile", 0)

    removals = {"op": "update", "command.u.$pull": {"$exists": True}}
    assert await database["system.profile"].count_documents(removals) < 6


async def test_relay_unacknowledged_event_stays_in_outbox(
    make_store: MakeStore, database: AsyncDatabase[Doc], published: EventProbe, new_thing: NewThing
) -> None:
    def failed_publishes() -> float:
        labels = {"subject": "ticket.created", "outcome": "error"}
        return REGISTRY.get_sample_value("bus_published_total", labels) or 0

    nats, earlier = published.bus, failed_publishes()
    await nats.connection.js.delete_stream(nats.connection.stream("tickets"))
    relay = Relay(nats, database, ["things"], utc_now)
    relay.start()
    things = make_store(relay)
    thing = await things.add(new_thing("a"))

    await eventually(lambda: asyncio.sleep(0, failed_publishes() > earlier))
    await declare(nats.connection)
    assert (await published.next(TicketCreated)).id == thing.id
    await wait_until_outboxes_empty(things)
    await relay.stop(5)


async def test_relay_nats_outage_publishes_after_recovery(
    make_store: MakeStore,
    database: AsyncDatabase[Doc],
    new_thing: NewThing,
    killable_nats: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bus, "PUBLISH_TIMEOUT_SECONDS", 0.5)

    def failed_publishes() -> float:
        labels = {"subject": "ticket.created", "outcome": "error"}
        return REGISTRY.get_sample_value("bus_published_total", labels) or 0

    earlier = failed_publishes()

    async with bus.connect(killable_nats.url, "tickets") as connected:
        await declare(connected.connection)
        relay = Relay(connected, database, ["things"], utc_now)
        relay.start()
        things = make_store(relay)
        before = await things.add(new_thing("before"))
        await wait_until_outboxes_empty(things)

        killable_nats.kill()
        during = [await things.add(new_thing("during")) for _ in range(5)]
        await things.update(before.id, lambda thing: thing.renamed("changed"))
        await eventually(lambda: asyncio.sleep(0, failed_publishes() > earlier))
        await killable_nats.start_and_wait()
        after = await things.add(new_thing("after"))

        await wait_until_outboxes_empty(things)
        assert relay.alive
        published = EventProbe(connected)
        published_ids = [event.id for event in await published.all(TicketCreated)]
        assert sorted(published_ids) == sorted(thing.id for thing in [before, *during, after])
        assert [e.title for e in await published.all(TicketUpdated)] == ["changed"]
        await relay.stop(5)


async def test_relay_stop_publishes_pending_events(
    make_store: MakeStore, database: AsyncDatabase[Doc], published: EventProbe, new_thing: NewThing
) -> None:
    relay = Relay(published.bus, database, ["things"], utc_now)
    relay.start()
    things = make_store(relay)
    await asyncio.gather(*(things.add(new_thing("a")) for _ in range(100)))

    await relay.stop(TIMEOUT_SECONDS)

    assert len(await published.all(TicketCreated)) == 100
    assert not await things.collection.count_documents({"outbox.0": {"$exists": True}})
    assert not relay.alive


async def test_sweep_uses_outbox_index(
    make_store: MakeStore,
    database: AsyncDatabase[Doc],
    published: EventProbe,
    new_thing: NewThing,
) -> None:
    crashed = make_store(Relay(published.bus, database, ["things"], utc_now), a_minute_ago)
    await crashed.add(new_thing("a"))
    await database.command({"profile": 2})
    alive = Relay(published.bus, database, ["things"], utc_now)
    alive.start()
    await wait_until_outboxes_empty(crashed)
    await alive.stop(5)
    await database.command({"profile": 0})

    sweeps = database["system.profile"].find({"ns": f"{database.name}.things"})
    plans = {
        (p["op"], p.get("planSummary")) async for p in sweeps if "outbox.at" in str(p["command"])
    }
    plan = "IXSCAN { outbox.at: 1 }"
    assert plans == {("command", plan), ("query", plan)}


async def test_sweep_finds_the_events_of_every_collection_in_one_query(
    database: AsyncDatabase[Doc], published: EventProbe, new_thing: NewThing
) -> None:
    names = ["others", "things", "unused"]
    at = [utc_now() - timedelta(minutes=n) for n in range(4)]
    for name, times in (("others", [at[1]]), ("things", [at[2], at[3]])):
        (event,) = new_thing("a").events
        entries = [outbox.outbox_entry(event, name, n, time) for n, time in enumerate(times)]
        await database[name].insert_one({"outbox": entries})
        await database[name].insert_one({"outbox": []})

    found = await database[names[0]].aggregate(outbox.oldest_outbox_pipeline(names))

    assert {doc["collection"]: doc["at"] async for doc in found} == {
        "others": at[1],
        "things": at[3],
    }
    relay = Relay(published.bus, database, names, utc_now)
    relay.start()
    await published.next(TicketCreated, count=3)
    await relay.stop(5)


@pytest.mark.parametrize(
    ("seconds_ago", "delay"),
    [([], 2), ([0.2], 1.3), ([0.2, 0.9], 0.6), ([1.4], 0.5), ([1.6], 0.5), ([-60], 2)],
)
def test_next_sweep_is_when_the_oldest_event_is_stale(
    seconds_ago: list[float], delay: float
) -> None:
    now = utc_now()
    times = [now - timedelta(seconds=seconds) for seconds in seconds_ago]

    assert outbox.seconds_until_next_sweep(times, now) == pytest.approx(delay)


async def test_lease_has_one_holder_until_not_renewed(
    database: AsyncDatabase[Doc],
) -> None:
    clock = FakeClock()
    first, second, third = (Lease(database, "a", timedelta(seconds=3), clock) for _ in range(3))

    assert [await lease.acquire_or_renew() for lease in (first, second, first)] == [
        True,
        False,
        True,
    ]
    clock.advance(seconds=2)
    assert await first.acquire_or_renew()
    clock.advance(seconds=2)
    assert not await second.acquire_or_renew()
    clock.advance(seconds=1, milliseconds=1)
    took_over = await asyncio.gather(second.acquire_or_renew(), third.acquire_or_renew())
    assert sorted(took_over) == [False, True]
    assert not await first.acquire_or_renew()


async def test_lease_is_written_again_only_after_a_third_of_its_time(
    database: AsyncDatabase[Doc],
) -> None:
    clock = FakeClock()
    lease = Lease(database, "a", timedelta(seconds=3), clock)
    started_at, ends = clock(), list[datetime]()

    for _ in range(3):
        assert await lease.acquire_or_renew()
        doc = await database["leases"].find_one({"_id": "a"})
        ends.append(doc["until"] if doc else started_at)
        clock.advance(milliseconds=500)

    assert [end - started_at for end in ends] == [timedelta(seconds=n) for n in (3, 3, 4)]


async def test_lease_of_another_process_is_read_again_when_it_ends(
    database: AsyncDatabase[Doc],
) -> None:
    clock = FakeClock()
    first, second = (Lease(database, "a", timedelta(seconds=3), clock) for _ in range(2))
    assert await first.acquire_or_renew()
    clock.advance(seconds=1)
    assert not await second.acquire_or_renew()
    assert second.seconds_until_next_request == 2

    await database["leases"].delete_many({})
    clock.advance(seconds=1)
    assert not await second.acquire_or_renew()
    clock.advance(seconds=1)
    assert await second.acquire_or_renew()


async def test_deleted_lease_is_acquired_within_its_time(database: AsyncDatabase[Doc]) -> None:
    clock = FakeClock()
    until = clock() + timedelta(hours=1)  # as long as an operator does not delete it
    await database["leases"].insert_one({"_id": "a", "owner": "x", "until": until})
    lease = Lease(database, "a", timedelta(seconds=3), clock)
    assert not await lease.acquire_or_renew()

    await database["leases"].delete_many({})
    clock.advance(seconds=3)

    assert await lease.acquire_or_renew()


async def test_leases_with_different_names_are_independent(
    database: AsyncDatabase[Doc],
) -> None:
    leases = [Lease(database, uuid4().hex, outbox.LEASE, utc_now) for _ in range(2)]

    assert [await lease.acquire_or_renew() for lease in leases] == [True, True]
