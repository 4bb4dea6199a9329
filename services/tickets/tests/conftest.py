"""Fixtures: one tickets service, or only its store, per test."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import pytest

from common.app import Service
from common.testing.client import Client
from common.testing.clock import FakeClock
from common.testing.events import EventProbe
from common.testing.plugin import Serve
from tickets.app import DOCUMENTS, create_app
from tickets.settings import Settings
from tickets.store.tickets import TicketStore
from tickets.testing import FINGERPRINT_KEY, VAULT_KEY
from tickets.vault_testing import Market

Start = Callable[..., Awaitable[Client]]


@pytest.fixture
def environment(environment: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of all services, and the keys that tickets requires."""
    return {**environment, "vault_key": VAULT_KEY, "fingerprint_key": FINGERPRINT_KEY}


@pytest.fixture
def start(serve: Serve, environment: dict[str, Any]) -> Start:
    """Start the service with other settings, and return a client without a session."""

    async def start_with(**settings: Any) -> Client:
        return await serve(create_app(Settings(**environment, **settings)))

    return start_with


@pytest.fixture
async def tickets(serve: Serve, environment: dict[str, Any]) -> Client:
    """A client of the running service, without a session."""
    return await serve(create_app(Settings(**environment)))


@pytest.fixture
async def store(environment: dict[str, Any], published: object) -> AsyncGenerator[TicketStore]:
    """A store with a stopped relay, so that events stay in the outbox."""
    assert published
    service = Service.from_settings("tickets", Settings(**environment))
    async with service.open(DOCUMENTS) as running:
        await running.relay.stop(0)
        yield TicketStore(running.relay, running.clock)


@pytest.fixture
async def market(serve: Serve, environment: dict[str, Any], published: EventProbe) -> Market:
    """The running service with a seller and two buyers."""
    clock = FakeClock()
    return Market(await serve(create_app(Settings(**environment), clock)), clock, published)
