"""The event of a brief state is published only if the state lasts; no other event is left out."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from bson import ObjectId
from pymongo.asynchronous.database import AsyncDatabase

from common.change import Change
from common.events import TicketCreated, TicketUpdated
from common.messaging.envelope import EventEnvelope
from common.persistence import outbox
from common.persistence.mongo import Doc
from common.persistence.outbox import Relay
from common.persistence.store import Store
from common.testing.events import EventProbe
from common.testing.outboxes import a_minute_ago, wait_until_outboxes_empty
from common.values.clock import utc_now

NewThing = Callable[[str], Change[Any]]
MakeStore = Callable[..., Store[Any]]


def is_brief(_thing: Any) -> bool:
    return True


def is_named_b(thing: Any) -> bool:
    return thing.name == "b"


async def event_ids(things: Store[Any], thing_id: str) -> list[str]:
    """Return the subject and version of what is in an outbox."""
    doc = await things.collection.find_one({"_id": ObjectId(thing_id)})
    assert doc is not None
    return [entry["id"].replace(f":{thing_id}", "") for entry in doc["outbox"]]


@pytest.fixture
def brief_things(
    make_store: MakeStore, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> Store[Any]:
    """A store of things whose states are brief, and not swept although the machine is slow."""
    monkeypatch.setattr(outbox, "SWEEP_AGE", timedelta(minutes=1))
    return make_store(relay, is_brief=is_brief)


async def test_event_of_brief_state_waits_in_its_outbox(
    brief_things: Store[Any], new_thing: NewThing, published: EventProbe
) -> None:
    thing = await brief_things.add(new_thing("a"))
    later = await brief_things.add(new_thing("b"))
    await brief_things.update(later.id, lambda thing: thing.renamed("c"))
    await published.next(TicketUpdated)  # queued after both inserts

    assert await published.all(TicketCreated) == []
    assert await event_ids(brief_things, thing.id) == ["ticket.created:0"]


@pytest.mark.parametrize("is_batched", [False, True])
async def test_event_of_superseded_brief_state_is_not_published(
    brief_things: Store[Any], new_thing: NewThing, published: EventProbe, *, is_batched: bool
) -> None:
    thing = await brief_things.add(new_thing("a"))
    if is_batched:
        await brief_things.update_batched(thing.id, lambda t: t.renamed("b"), snapshot=thing)
    else:
        await brief_things.update(thing.id, lambda thing: thing.renamed("b"))

    assert (await published.next(TicketUpdated)).version == 1
    await wait_until_outboxes_empty(brief_things)
    assert await published.all(TicketCreated) == []


async def test_event_of_brief_state_that_lasts_is_published_by_the_sweep(
    make_store: MakeStore, relay: Relay, new_thing: NewThing, published: EventProbe
) -> None:
    things = make_store(relay, is_brief=is_brief)

    thing = await things.add(new_thing("a"))

    assert (await published.next(TicketCreated)).id == thing.id
    await wait_until_outboxes_empty(things)
    await things.update(thing.id, lambda thing: thing.renamed("b"))
    assert (await published.next(TicketUpdated)).version == 1


@pytest.mark.parametrize("crashed_after_update", [False, True])
async def test_sweep_publishes_the_last_event_of_a_process_that_died_in_a_brief_state(
    make_store: MakeStore,
    database: AsyncDatabase[Doc],
    published: EventProbe,
    new_thing: NewThing,
    *,
    crashed_after_update: bool,
) -> None:
    dead = Relay(published.bus, database, ["things"], utc_now)
    crashed = make_store(dead, a_minute_ago, is_brief=is_brief)
    thing = await crashed.add(new_thing("a"))
    if crashed_after_update:
        await crashed.update(thing.id, lambda thing: thing.renamed("b"))

    alive = Relay(published.bus, database, ["things"], utc_now)
    alive.start()
    await wait_until_outboxes_empty(crashed)
    await alive.stop(5)

    events = [*await published.all(TicketCreated), *await published.all(TicketUpdated)]
    assert [event.version for event in events] == [int(crashed_after_update)]


async def test_brief_state_that_is_superseded_while_it_is_swept_loses_no_event(
    make_store: MakeStore,
    database: AsyncDatabase[Doc],
    published: EventProbe,
    new_thing: NewThing,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    publish, publishing, replaced = published.bus.publish, asyncio.Event(), asyncio.Event()

    async def publish_after_the_update(message: EventEnvelope) -> None:
        if message.subject == TicketCreated.subject:
            publishing.set()
            await replaced.wait()
        await publish(message)

    monkeypatch.setattr(published.bus, "publish", publish_after_the_update)
    relay = Relay(published.bus, database, ["things"], utc_now)
    relay.start()
    things = make_store(relay, a_minute_ago, is_brief=is_brief)
    thing = await things.add(new_thing("a"))
    await publishing.wait()
    await things.update(thing.id, lambda thing: thing.renamed("b"))
    replaced.set()

    assert (await published.next(TicketCreated)).version == 0
    assert (await published.next(TicketUpdated)).version == 1
    await wait_until_outboxes_empty(things)
    await relay.stop(5)


async def test_only_version_0_is_replaced(
    make_store: MakeStore, database: AsyncDatabase[Doc], published: EventProbe, new_thing: NewThing
) -> None:
    stopped = Relay(published.bus, database, ["things"], utc_now)
    things = make_store(stopped, is_brief=is_brief)
    thing = await things.add(new_thing(""))

    def adds(letter: str) -> Callable[[Any], Change[Any]]:
        return lambda thing: thing.renamed(thing.name + letter)

    await asyncio.gather(*(things.update(thing.id, adds(letter)) for letter in "abc"))

    updates = ["ticket.updated:1", "ticket.updated:2", "ticket.updated:3"]
    assert await event_ids(things, thing.id) == updates


async def test_update_without_an_event_keeps_that_of_a_brief_state(
    make_store: MakeStore, database: AsyncDatabase[Doc], published: EventProbe, new_thing: NewThing
) -> None:
    stopped = Relay(published.bus, database, ["things"], utc_now)
    things = make_store(stopped, is_brief=is_brief)
    thing = await things.add(new_thing("a"))

    def rename_silently(thing: Any) -> Change[Any]:
        return Change(thing.renamed("b").after)

    await things.update(thing.id, rename_silently)

    assert await event_ids(things, thing.id) == ["ticket.created:0"]


async def test_state_that_is_not_brief_is_published_and_kept(
    make_store: MakeStore, database: AsyncDatabase[Doc], published: EventProbe, new_thing: NewThing
) -> None:
    stopped = Relay(published.bus, database, ["things"], utc_now)
    things = make_store(stopped, is_brief=is_named_b)
    thing = await things.add(new_thing("a"))

    await things.update(thing.id, lambda thing: thing.renamed("b"))

    assert await event_ids(things, thing.id) == ["ticket.created:0", "ticket.updated:1"]
