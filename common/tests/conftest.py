"""A minimal service on real servers, and a NATS server that a test may kill."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from pymongo.asynchronous.database import AsyncDatabase

from common.change import Change
from common.events import TicketCreated, TicketUpdated
from common.messaging import bus
from common.messaging.bus import Bus
from common.persistence import mongo
from common.persistence.aggregate_mapping import AggregateMapping
from common.persistence.mongo import OUTBOX_INDEX, AggregateDocument, Doc
from common.persistence.outbox import Relay
from common.persistence.store import Store
from common.settings import SessionSettings
from common.values.clock import Clock, utc_now
from common.values.ids import new_id
from ticketing_local.processes.managed_process import ManagedProcess
from ticketing_local.stack import servers
from ticketing_local.testing.free_ports import free_port


class ThingDocument(AggregateDocument):
    class Settings:
        name = "things"
        indexes = [OUTBOX_INDEX]  # noqa: RUF012 - Beanie reads it from here


@dataclass(frozen=True, slots=True)
class Thing:
    """A named aggregate that publishes the events of a ticket."""

    id: str
    version: int
    name: str

    def renamed(self, name: str) -> Change["Thing"]:
        """Return the change to another name."""
        if name == self.name:
            return Change(self)
        after = replace(self, name=name, version=self.version + 1)
        return Change(after, (TicketUpdated(**_event_fields(after)),))


def _event_fields(thing: Thing) -> dict[str, Any]:
    return {
        "id": thing.id,
        "version": thing.version,
        "title": thing.name,
        "price": 50,
        "user_id": thing.id,
    }


def _new_thing(name: str) -> Change[Thing]:
    thing = Thing(new_id(), 0, name)
    return Change(thing, (TicketCreated(**_event_fields(thing)),))


@pytest.fixture
def new_thing() -> Callable[[str], Change[Any]]:
    """Return a function that creates a thing."""
    return _new_thing


def _make_store(
    relay: Relay, clock: Clock = utc_now, *, is_brief: Callable[[Thing], bool] = lambda _: False
) -> Store[Any]:
    return Store(
        ThingDocument,
        AggregateMapping(
            from_document=lambda doc: Thing(str(doc["_id"]), doc["version"], doc["name"]),
            to_document=lambda thing: {"name": thing.name},
            is_brief=is_brief,
        ),
        relay,
        clock,
    )


@pytest.fixture
def make_store() -> Callable[..., Store[Any]]:
    """Return a function that creates a store of things on a relay."""
    return _make_store


@pytest.fixture
async def database(mongo_uri: str) -> AsyncGenerator[AsyncDatabase[Doc]]:
    """A database of this test, with the collection of things."""
    async with mongo.connect(mongo_uri, [ThingDocument]) as connected:
        yield connected


@pytest.fixture
async def relay(
    nats_url: str, namespace: str, published: object, database: AsyncDatabase[Doc]
) -> AsyncGenerator[Relay]:
    """A running relay of things."""
    assert published  # deletes the streams after the relay has stopped
    async with bus.connect(nats_url, "tickets", namespace=namespace) as connected:
        running = Relay(connected, database, ["things"], utc_now)
        running.start()
        yield running
        await running.stop(5)


@pytest.fixture
def things(relay: Relay) -> Store[Any]:
    """The store of things."""
    return _make_store(relay)


@pytest.fixture
def settings(environment: dict[str, Any]) -> SessionSettings:
    """The settings of a service in this test."""
    return SessionSettings(**environment, jwt_key_previous=SecretStr("p" * 40))


Connect = Callable[..., AbstractAsyncContextManager[Bus]]


@pytest.fixture
def connect(nats_url: str, namespace: str, published: object) -> Connect:
    """Return a function that connects to this test's namespace of NATS as a service."""
    assert published  # deletes the streams after the connections have closed

    @asynccontextmanager
    async def connect_as(service: str = "orders") -> AsyncGenerator[Bus]:
        async with bus.connect(
            nats_url, service, namespace=namespace, transient_errors=mongo.UNAVAILABLE_ERRORS
        ) as connected:
            try:
                yield connected
            finally:
                await connected.drain(1)

    return connect_as


class KillableNats(ManagedProcess):
    """A nats-server that only one test uses."""

    def __init__(self, data: Path) -> None:
        super().__init__(servers.nats(free_port(), data, sync_interval="2m"))
        self.url = f"nats://127.0.0.1:{self.program.port}"

    def start_without_jetstream(self) -> None:
        """Start the server without JetStream."""
        with_jetstream = self.program
        command = (*with_jetstream.command[:1], "--addr", "127.0.0.1", "--port")
        self.program = replace(with_jetstream, command=(*command, str(with_jetstream.port)))
        self.start()
        self.program = with_jetstream


@pytest.fixture
async def killable_nats(tmp_path: Path) -> AsyncGenerator[KillableNats]:
    """A running NATS server that only this test uses."""
    server = KillableNats(tmp_path / "nats")
    await server.start_and_wait()
    yield server
    server.kill()
